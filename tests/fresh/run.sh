#!/bin/bash
# Proves the two README commands on fresh machines: makes a root of each Debian release below with
# debootstrap, adds git, make and ca-certificates only, clones HEAD into it, and runs `make run`
# (until it answers, then TERM) and `make test` there. Needs root, port 8080 and some minutes.
#   run.sh [--keep] [CASE…]     CASE: bookworm:root trixie:root trixie:sudo
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)

keep=no
[ "${1:-}" = --keep ] && { keep=yes; shift; }
cases=("$@")
[ ${#cases[@]} -gt 0 ] || cases=(bookworm:root trixie:root trixie:sudo)
[ "$(id -u)" = 0 ] || { echo "run.sh: needs root (debootstrap, chroot)" >&2; exit 2; }

mirror=$("$repository/third_party/fetch.sh" --mirror)
roots=$(mktemp -d)
finish() {
  if [ "$keep" = yes ]; then echo "roots kept in $roots"; else rm -rf --one-file-system "$roots"; fi
}
trap finish EXIT

# The root DIR of a RELEASE, with the host's way to the mirror.
make_root() {
  local release=$1 dir=$2 further=$3
  debootstrap --variant=minbase --include="git,make,ca-certificates$further" \
    "$release" "$dir" "$mirror" >"$dir.debootstrap.log" 2>&1 ||
    { tail -20 "$dir.debootstrap.log"; return 1; }
  apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-)' >"$dir/etc/apt/apt.conf.d/99host" || true
  cp -L /etc/resolv.conf /etc/hosts "$dir/etc/"
  # Installations have one-line sources on 12 and deb822 ones on 13: both are tried.
  if [ "$release" = trixie ]; then
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$mirror" "$release" \
      /usr/share/keyrings/debian-archive-keyring.gpg >"$dir/etc/apt/sources.list.d/debian.sources"
    rm -f "$dir/etc/apt/sources.list"
  fi
  git clone -q --no-hardlinks "$repository" "$dir/opt/openai-proxy"
  cp "$here/inside.sh" "$dir/opt/inside.sh"
}

# Runs inside.sh COMMAND in the root, with mounts and processes that end with it.
inside() {
  local dir=$1
  shift
  # shellcheck disable=SC2016
  unshare --mount --pid --fork --kill-child bash -c '
    mount -t proc proc "$0/proc" && mkdir -p "$0/dev/shm" && mount -t tmpfs tmpfs "$0/dev/shm" &&
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb \
      chroot "$0" /bin/bash /opt/inside.sh "$@"' "$dir" "$@"
}

passed=0 failed=0
for case in "${cases[@]}"; do
  release=${case%%:*} user=${case##*:} dir=$roots/${case/:/-}
  further=
  [ "$user" = sudo ] && further=,sudo
  echo "== $case: debootstrap"
  make_root "$release" "$dir" "$further" || { failed=$((failed + 2)); continue; }
  for command in run test; do
    echo "== $case: make $command"
    if inside "$dir" "$user" "$command"; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      echo "== $case: make $command FAILED"
    fi
  done
  [ "$keep" = yes ] || rm -rf --one-file-system "$dir"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
