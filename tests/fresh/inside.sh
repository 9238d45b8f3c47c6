#!/bin/bash
# Runs in a fresh root (see run.sh): inside.sh root|sudo run|test. With `sudo`, an ordinary user who
# may use sudo does the work, else root, who has none.
set -euo pipefail
user=$1 command=$2
log=/tmp/make-$command.log
as=()
if [ "$user" = sudo ]; then
  id tester >/dev/null 2>&1 || useradd --create-home tester
  echo 'tester ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/tester
  chown -R tester: /opt/openai-proxy
  as=(setpriv --reuid tester --regid tester --init-groups env HOME=/home/tester)
fi
cd /opt/openai-proxy

fail() {
  echo "$*"
  tail -n 60 "$log"
  exit 1
}

trap '' PIPE
# Prints the proxy's answer to a preflight, which it gives without any upstream; nothing if nobody
# listens.
preflight() {
  {
    exec 3<>/dev/tcp/127.0.0.1/8080 || return 0
    printf '%s\r\n' 'OPTIONS /v1/models HTTP/1.1' 'Host: localhost' 'Origin: https://example.com' \
      'Access-Control-Request-Method: GET' 'Connection: close' '' >&3
    timeout 10 cat <&3
    exec 3>&-
  } 2>/dev/null || true
}

# The process whose name is openai-proxy.
proxy_pid() {
  local status
  for status in /proc/[0-9]*/comm; do
    if [ "$(cat "$status" 2>/dev/null)" = openai-proxy ]; then
      status=${status#/proc/}
      echo "${status%/comm}"
      return
    fi
  done
}

if [ "$command" = test ]; then
  "${as[@]}" make test >"$log" 2>&1 || fail "make test failed"
  grep -E 'tests passed' "$log" || fail "make test ran no test"
  exit 0
fi

[ -z "$(preflight)" ] || { echo "port 8080 is taken"; exit 1; }
started=$SECONDS
"${as[@]}" make run >"$log" 2>&1 &
make=$!
answer=
# Installing and building is what takes the time.
while [ -z "$answer" ] && [ $((SECONDS - started)) -lt 1500 ]; do
  kill -0 "$make" 2>/dev/null || fail "make run ended early"
  sleep 1
  # The network is the host's: another's proxy there may answer while ours is still being built.
  pid=$(proxy_pid)
  [ -z "$pid" ] || answer=$(preflight)
done
grep -qi '^access-control-allow-origin: \*' <<<"$answer" || fail "no proxy answered: $answer"
echo "answered after $((SECONDS - started)) s: $(head -n 1 <<<"$answer")"
grep -E '^(Installing|Fetching)' "$log" || true
kill -TERM "$pid"
wait "$make" || fail "make run did not end with 0 after TERM"
echo "ended by TERM with 0"
again=$SECONDS
"${as[@]}" make >"$log" 2>&1 || fail "make failed the second time"
echo "make again: $((SECONDS - again)) s"
