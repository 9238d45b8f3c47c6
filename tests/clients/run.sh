#!/usr/bin/env bash
# Runs real clients (openai SDK, ws, Chromium, curl, Python, openssl) and a real upstream (nginx) around the built proxy.
#   tests/clients/run.sh [PROXY_BINARY]      default: $OPENAI_PROXY_BINARY, else build/openai-proxy
# The pages are made by the load tool: $OPENAI_PROXY_BENCH_BINARY, else build/openai-proxy-bench.
# Installs Debian's packages that are missing (with sudo when not root), and three npm packages
# into tests/clients/node_modules. TEST_FILES="ws.test.mjs …" runs only those.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
binary=${1:-${OPENAI_PROXY_BINARY:-$root/build/openai-proxy}}
node_major_min=18
run_seconds_max=600

say() { echo "tests/clients: $*"; }
fail() { say "$*" >&2; exit 1; }

[[ -x $binary && ! -d $binary ]] || fail "no program at $binary: build the proxy first (make)"
binary=$(realpath "$binary")

as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}

# An nginx that its package starts on port 80 would be left running on the developer's machine.
service_policy=/usr/sbin/policy-rc.d
forbid_service_starts() {
  [[ ! -e $service_policy ]] || return 0
  trap 'as_root rm -f "$service_policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$service_policy" >/dev/null
  as_root chmod 755 "$service_policy"
}

install_missing() {
  local missing=()
  command -v node >/dev/null || missing+=(nodejs)
  command -v npm >/dev/null || missing+=(npm)
  command -v openssl >/dev/null || missing+=(openssl)
  command -v curl >/dev/null || missing+=(curl)
  command -v python3 >/dev/null || missing+=(python3)
  [[ -x ${NGINX:-/usr/sbin/nginx} ]] || missing+=(nginx)
  [[ -x ${CHROMIUM:-/usr/bin/chromium} ]] || missing+=(chromium)
  [[ ${#missing[@]} -gt 0 ]] || return 0
  command -v apt-get >/dev/null ||
    fail "needs ${missing[*]}; there is no apt-get here: install them, and say where they are" \
      "with CHROMIUM= and NGINX= if not in /usr/bin and /usr/sbin"
  say "installing Debian packages: ${missing[*]}"
  forbid_service_starts
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  if [[ " ${missing[*]} " == *" nginx "* ]]; then
    as_root systemctl disable --quiet nginx 2>/dev/null || true # Nor at the next boot.
  fi
}

install_modules() {
  local stamp=node_modules/.installed-lock
  cmp -s package-lock.json "$stamp" && return
  say "installing npm packages into tests/clients/node_modules"
  npm ci --loglevel=error
  cp package-lock.json "$stamp"
}

cd "$here"
install_missing
node_version=$(node --version)
node_major=${node_version#v}
[[ ${node_major%%.*} -ge $node_major_min ]] ||
  fail "needs node $node_major_min or newer, found $node_version"
install_modules

read -r -a files <<<"${TEST_FILES:-$(echo ./*.test.mjs)}"
say "$binary with node $node_version"
OPENAI_PROXY_BINARY=$binary timeout --kill-after=10 "$run_seconds_max" \
  node --test --test-reporter=spec "${files[@]}"
