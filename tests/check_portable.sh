#!/bin/sh
# check_portable.sh PROGRAM...: each runs on any Linux of its processor: it needs no shared library,
# or at most symbols that glibc 2.31 has (Debian 11, Ubuntu 20.04).
set -eu
newest=2.31
bad=0
for program in "$@"; do
  needed=$(readelf -dW "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | tr '\n' ' ')
  versions=$(readelf -VW "$program" | grep -o 'GLIBC_[0-9.]*' | sort -uV | sed 's/GLIBC_//' || true)
  latest=$(printf '%s\n%s\n' "$versions" "$newest" | sort -V | tail -n 1)
  if [ "$latest" != "$newest" ]; then
    echo "$program: needs GLIBC_$latest, newer than $newest"
    bad=1
  fi
  echo "$program: shared libraries: ${needed:-none}; glibc symbols: $(echo ${versions:-none})"
done
exit $bad
