#!/bin/sh
# Runs every libFuzzer target of BUILD for SECONDS each, from its corpus and without changing it:
#   run.sh BUILD SECONDS
# New inputs stay in BUILD/corpus/<name>; a crash is printed by the target and ends the run. The
# exchange target has no dictionary: its input is decisions, a byte each, and no text.
set -eu
build=$1 seconds=$2
here=$(cd "$(dirname "$0")" && pwd)
for source in "$here"/*_fuzz.cc; do
  target=$(basename "$source" .cc)
  name=${target%_fuzz}
  mkdir -p "$build/corpus/$name"
  set --
  [ ! -f "$here/$name.dict" ] || set -- -dict="$here/$name.dict"
  echo "fuzzing $name for $seconds s"
  "$build/tests/$target" "$@" -max_total_time="$seconds" -print_final_stats=0 -verbosity=0 \
    -artifact_prefix="$build/corpus/$name-" "$build/corpus/$name" "$here/corpus/$name"
done
