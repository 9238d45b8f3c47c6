#!/bin/sh
# Gets one rival for the comparison into FOLDER, whole or not at all; starts and changes nothing on
# the machine. Says why on stderr when it cannot.
#   fetch.sh deb PACKAGE FOLDER    Debian's package and what it needs beyond what is installed
#   fetch.sh npm FOLDER            the packages of package.json; needs node and npm
set -eu
here=$(cd "$(dirname "$0")" && pwd)

die() { echo "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo -n "$@"
  else return 1; fi
}

# Prints what apt would install for $1, one name a line.
packages_for() {
  apt-get -s install --no-install-recommends -y "$1" 2>"$work/log" | sed -n 's/^Inst \([^ ]*\).*/\1/p'
}

fetch_deb() {
  command -v apt-get >/dev/null || die "no apt-get here: put $1 into PATH"
  names=$(packages_for "$1")
  if [ -z "$names" ]; then  # The package lists may be missing or old.
    as_root apt-get -q update >/dev/null 2>&1 || true
    names=$(packages_for "$1")
  fi
  [ -n "$names" ] || die "apt-get knows no package $1: $(tail -n 1 "$work/log")"
  mkdir "$work/debs" "$work/root"
  # shellcheck disable=SC2086
  (cd "$work/debs" && apt-get -q download $names >"$work/log" 2>&1) ||
    die "apt-get download failed: $(grep '^E:' "$work/log" | head -n 1)"
  for file in "$work"/debs/*.deb; do dpkg-deb -x "$file" "$work/root"; done
}

fetch_npm() {
  { command -v node && command -v npm; } >/dev/null ||
    die "needs node and npm: apt-get install nodejs npm"
  mkdir "$work/root"
  cp "$here/package.json" "$here/package-lock.json" "$work/root"
  # Not `npm ci`: the lock lacks other systems' builds of workerd where the registry does. No
  # package's own script is run: none is needed, and they may fetch more.
  (cd "$work/root" &&
    npm install --no-save --ignore-scripts --omit=dev --no-audit --no-fund >"$work/log" 2>&1) ||
    die "npm install failed: $(grep 'error' "$work/log" | head -n 1)"
}

kind=${1:-}
case "$kind $#" in
  "deb 3") folder=$3 ;;
  "npm 2") folder=$2 ;;
  *) die "usage: fetch.sh deb PACKAGE FOLDER | fetch.sh npm FOLDER" ;;
esac
mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT
if [ "$kind" = deb ]; then fetch_deb "$2"; else fetch_npm; fi
rm -rf "$folder"
mv -T "$work/root" "$folder"
