#!/bin/sh
# Makes the machine ready: installs the missing Debian packages, after saying which, and fetches what
# Debian's own release does not have. Touches nothing when nothing is missing.
#   setup.sh build [test] [check] [sanitize] [fresh] [bench] [compare] [faults] [guard] [tls] [hostile]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${OPENAI_PROXY_CACHE:-$here/.cache}

packages=
for group in "$@"; do
  case "$group" in
    build)
      packages="$packages g++ cmake ninja-build ca-certificates tar bzip2 xz-utils
        libuv1-dev libc-ares-dev libyaml-cpp-dev libsqlite3-dev libhiredis-dev libcli11-dev libfmt-dev doctest-dev
        zlib1g-dev libzstd-dev libbrotli-dev nlohmann-json3-dev"
      # Its AES-GCM is many times as fast as mbedTLS's; there is none for other processors.
      case "$(uname -m)" in x86_64) packages="$packages libipsec-mb-dev" ;; esac ;;
    # The server is in the tools' package, too: the other one would start a service.
    test) packages="$packages redis-tools" ;;
    check) packages="$packages python3 clang clang-format clang-tidy" ;;
    sanitize) packages="$packages clang llvm libclang-rt-dev" ;;
    fresh) packages="$packages debootstrap" ;;
    bench) packages="$packages python3 openssl" ;;
    compare)
      packages="$packages python3 openssl"
      command -v npm >/dev/null || packages="$packages nodejs npm" ;;
    faults) packages="$packages python3 openssl" ;;
    tls) packages="$packages python3 openssl testssl.sh" ;;
    hostile) packages="$packages python3 curl slowhttptest" ;;
    guard) packages="$packages python3 openssl strace valgrind" ;;
    *) echo "setup.sh: unknown group $group" >&2; exit 2 ;;
  esac
done

if ! command -v apt-get >/dev/null; then
  cat >&2 <<MESSAGE
There is no apt-get here, so nothing can be installed for you. openai-proxy needs
  $(echo $packages)
(Debian's names), llhttp 9.2 or newer (static library) and the source tree of mbedTLS 3.6.3 or later. Then:
  cmake -S . -B build -G Ninja -DOPENAI_PROXY_MBEDTLS_SOURCE=DIR -DOPENAI_PROXY_LLHTTP_ROOT=DIR
with OPENAI_PROXY_{LIBUV,C_ARES,YAML_CPP,SQLITE,HIREDIS,ZLIB,ZSTD,BROTLI,CLI11,FMT,DOCTEST,NLOHMANN_JSON,IPSEC_MB}_ROOT for what is not in the compiler's
own folders, and \`make SETUP=no\` from there on.
MESSAGE
  exit 1
fi

# Debian 13 is the first release whose llhttp is strict enough; earlier ones get it fetched below.
fetch=
[ -d "$cache/mbedtls" ] || fetch=mbedtls
if [ ! -d "$cache/llhttp" ]; then
  . /etc/os-release
  if [ "${ID:-}" = debian ] && [ "${VERSION_ID:-99}" -ge 13 ]; then
    packages="$packages libllhttp-dev"
  else
    fetch="$fetch llhttp"
  fi
fi

# shellcheck disable=SC2086
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $packages 2>/dev/null || true)
missing=
for package in $packages; do
  case "
$installed
" in *"
installed $package
"*) ;; *) missing="$missing $package" ;; esac
done

if [ -n "$missing" ]; then
  as_root=
  if [ "$(id -u)" != 0 ]; then
    as_root=sudo
    if ! command -v sudo >/dev/null; then
      echo "Neither root nor sudo here. As root, run: apt-get install$missing" >&2
      exit 1
    fi
  fi
  echo "Installing with ${as_root:+$as_root }apt-get:$missing"
  apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300"
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  # shellcheck disable=SC2086
  { $apt update && $apt install --no-install-recommends $missing; } >"$log" 2>&1 ||
    { cat "$log" >&2; echo "setup.sh: apt-get failed" >&2; exit 1; }
fi

# shellcheck disable=SC2086
[ -z "$fetch" ] || "$here/fetch.sh" $fetch
