#!/bin/sh
# Fetches what Debian's stable of today does not have, into .cache beside this file:
#   fetch.sh llhttp     the package libllhttp-dev (static library), unpacked, never installed
#   fetch.sh mbedtls    the pristine source tree of mbedTLS 3.6 (Debian's patches drop 3rdparty/)
#   fetch.sh --mirror   nothing: prints the URI of the mirror
# A private apt configuration reads them from the suite below, on the mirror and with the keyring of
# the machine's own sources; those stay untouched. Needs no root.
set -eu
suite=trixie
here=$(cd "$(dirname "$0")" && pwd)
cache=${OPENAI_PROXY_CACHE:-$here/.cache}

die() { echo "fetch.sh: $*" >&2; exit 1; }
command -v apt-get >/dev/null || die "no apt-get here; give cmake a local copy of $* instead:
  llhttp 9.2 or newer       -DOPENAI_PROXY_LLHTTP_ROOT=DIR
  mbedTLS 3.6 source tree   -DOPENAI_PROXY_MBEDTLS_SOURCE=DIR"

# Prints "URI KEYRING" of the machine's entry for the Debian archive: the one whose suite is the
# machine's own release and that has "main"; other vendors' entries do not have both, and a URI that
# ends in /debian wins over one that does not.
archive_entry() {
  . /etc/os-release
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -f "$file" ] && sed -n -E 's/^[[:space:]]*deb[[:space:]]+//p' "$file" | while read -r line; do
      key=$(printf '%s' "$line" | sed -n -E 's/^\[.*signed-by=([^] ]+).*\].*/\1/p')
      line=$(printf '%s' "$line" | sed -E 's/^\[[^]]*\][[:space:]]*//')
      # shellcheck disable=SC2086
      set -- $line
      uri=${1:-} release=${2:-}
      [ $# -ge 3 ] && shift 2 || continue
      case " $* " in *" main "*) echo "$release $uri $key" ;; esac
    done
  done > "$work/entries"
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] && awk '
      function flush(  i, j, n, m, s, u) {
        if (enabled != "no" && types ~ /(^| )deb( |$)/ && components ~ /(^| )main( |$)/) {
          n = split(suites, s, " "); m = split(uris, u, " ")
          for (i = 1; i <= n; i++) for (j = 1; j <= m; j++) print s[i], u[j], key
        }
        types = suites = uris = components = key = enabled = ""
      }
      /^#/ { next }
      /^[[:space:]]*$/ { flush(); next }
      { value = $0; sub(/^[^:]*:[[:space:]]*/, "", value) }
      tolower($1) == "types:" { types = value }
      tolower($1) == "uris:" { uris = value }
      tolower($1) == "suites:" { suites = value }
      tolower($1) == "components:" { components = value }
      tolower($1) == "signed-by:" { key = value }
      tolower($1) == "enabled:" { enabled = tolower(value) }
      END { flush() }' "$file" >> "$work/entries"
  done
  awk -v release="${VERSION_CODENAME:-}" '
    ($1 == release || $1 == "stable" || $1 == "testing" || $1 == "sid") && $2 !~ /^cdrom:/ {
      if ($2 ~ /\/debian\/?$/) { print $2, $3; found = 1; exit }
      if (other == "") other = $2 " " $3
    }
    END { if (!found && other != "") print other }' "$work/entries"
}

# Prepares $work as apt's state and sets apt_options.
private_apt() {
  entry=$(archive_entry)
  [ -n "$entry" ] || die "no Debian archive among this machine's apt sources"
  uri=${entry%% *} key=${entry#* }
  # A key written out in the sources file itself has no path to name; apt's trusted keys serve then.
  case "$key" in /*) option="signed-by=$key" ;; *) option= ;; esac
  mkdir -p "$work/parts" "$work/lists/partial" "$work/cache/archives/partial" "$work/download"
  # As root, apt fetches as this user of its own where it may write.
  [ "$(id -u)" != 0 ] || chown _apt "$work/download" 2>/dev/null || true
  {
    echo "deb [target=Packages $option] $uri $suite main"
    echo "deb-src [target=Sources $option] $uri $suite main"
  } > "$work/parts/private.list"
  apt_options="-q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=$work/parts
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
    -o Dir::State::Lists=$work/lists -o Dir::Cache=$work/cache -o Acquire::Languages=none
    -o Acquire::Retries=3"
  # shellcheck disable=SC2086
  apt-get $apt_options update >"$work/log" 2>&1 || { cat "$work/log" >&2; die "apt-get update failed"; }
}

fetch_llhttp() {
  # shellcheck disable=SC2086
  (cd "$work/download" && apt-get $apt_options download libllhttp-dev >"$work/log" 2>&1) ||
    { cat "$work/log" >&2; die "libllhttp-dev cannot be fetched from $suite"; }
  mkdir "$work/llhttp"
  dpkg-deb -x "$work"/download/libllhttp-dev_*.deb "$work/llhttp"
}

fetch_mbedtls() {
  # shellcheck disable=SC2086
  (cd "$work/download" &&
    apt-get $apt_options source --download-only --tar-only mbedtls >"$work/log" 2>&1) ||
    { cat "$work/log" >&2; die "the source package mbedtls cannot be fetched from $suite"; }
  mkdir "$work/mbedtls"
  tar -xf "$work"/download/mbedtls_*.orig.tar.* -C "$work/mbedtls" --strip-components=1
}

work=$(mktemp -d)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
if [ "${1:-}" = --mirror ]; then
  entry=$(archive_entry)
  [ -n "$entry" ] || die "no Debian archive among this machine's apt sources"
  echo "${entry%% *}"
  exit 0
fi
mkdir -p "$cache"
ready=
for name in "$@"; do
  case "$name" in llhttp | mbedtls) ;; *) die "unknown: $name" ;; esac
  [ -d "$cache/$name" ] && continue
  [ -n "$ready" ] || private_apt
  ready=yes
  echo "Fetching $name from Debian $suite"
  "fetch_$name"
  # Whole or not at all; another run may have been faster.
  cp -R "$work/$name" "$cache/.$name.$$"
  mv -T "$cache/.$name.$$" "$cache/$name" 2>/dev/null || rm -rf "$cache/.$name.$$"
done
