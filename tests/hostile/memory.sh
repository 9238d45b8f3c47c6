#!/bin/sh
# The memory contract, seen on a real proxy with one worker and a TLS upstream:
#   memory.sh PROXY_BINARY LOAD_TOOL [STREAMS]        called by `make test-memory`
# First STREAMS (10000) streams are open at one time under a limit that is enough for them: what was
# promised, what was used. Then the limit is enough for half of them: what does not fit gets 503, and
# every stream that runs ends whole.
# Needs openssl, curl and python3, and 2 x STREAMS + 200 open files. Takes four minutes.
set -eu
proxy=${1:?usage: memory.sh PROXY_BINARY LOAD_TOOL [STREAMS]}
tool=${2:?usage: memory.sh PROXY_BINARY LOAD_TOOL [STREAMS]}
streams=${3:-10000}
for program in openssl curl python3; do
  command -v "$program" >/dev/null || { echo "memory.sh: install $program" >&2; exit 2; }
done
files=$((2 * streams + 200))
ulimit -Hn "$files" 2>/dev/null || true  # root may raise it
if ! ulimit -n "$files" 2>/dev/null; then
  echo "memory.sh: $files open files are needed, $(ulimit -Hn) are allowed: raise \`ulimit -Hn\`," \
    "or take MEMORY_STREAMS=$((($(ulimit -Hn) - 200) / 2))" >&2
  exit 2
fi
folder=$(mktemp -d)
pids=
finish() {
  trap - EXIT
  # shellcheck disable=SC2086 # a list
  [ -z "$pids" ] || kill $pids 2>/dev/null || true
  for pid in $pids; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM

fail() {
  echo "memory.sh: $*" >&2
  exit 1
}

# The port that process $1 says, in file $2, that it listens on; 10 s are given.
port_of() {
  for _ in $(seq 100); do
    port=$(sed -n -E 's/.*listening on .*:([0-9]+)$/\1/p' "$2" | head -n 1)
    if [ -n "$port" ]; then echo "$port"; return 0; fi
    kill -0 "$1" 2>/dev/null || break
    sleep 0.1
  done
  cat "$2" >&2
  return 1
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# $1: a metric of the proxy.
metric() {
  curl -s --max-time 10 "http://127.0.0.1:$admin_port/metrics" |
    awk -v name="openai_proxy_$1" '$1 == name { printf "%d\n", $2 }'
}

# Resident memory of process $1 in KiB, now or ($2 = VmHWM) at most.
resident() {
  awk -v name="${2:-VmRSS}:" '$1 == name { print $2 }' "/proc/$1/status"
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
  -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
  -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
"$tool" serve --listen 127.0.0.1:0 --certificate "$folder/cert.pem" --key "$folder/key.pem" \
  >"$folder/serve.log" 2>&1 &
serving=$!
pids="$pids $serving"
upstream_port=$(port_of $serving "$folder/serve.log")

# Starts a proxy under the limit $1; sets proxying, port, admin_port.
start_proxy() {
  admin_port=$(free_port)
  cat >"$folder/proxy.yaml" <<YAML
listen: 127.0.0.1:0
workers: 1
memory_limit: $1
upstreams:
  openai:
    url: "https://127.0.0.1:$upstream_port"
    tls: { ca_file: "$folder/cert.pem" }
    pool: { connections_max: $((streams + 100)), waiting_max: $streams, waiting_timeout: 60s }
limits: { connections_max: $((streams + 50)) }
log: { access: "off" }
admin: { listen: "127.0.0.1:$admin_port" }
YAML
  "$proxy" --config "$folder/proxy.yaml" >"$folder/proxy.log" 2>&1 &
  proxying=$!
  pids="$pids $proxying"
  port=$(port_of $proxying "$folder/proxy.log")
}

end_proxy() {
  kill "$proxying"
  wait "$proxying" || fail "the proxy did not end well: $(tail -n 3 "$folder/proxy.log")"
  pids=" $serving"
}

# Opens the streams over ramp $1, each of $2 tokens 2 s apart; the result goes to $folder/run.json.
open_streams() {
  "$tool" stream "http://127.0.0.1:$port" -c "$streams" -n "$streams" --ramp "$1" --tokens "$2" \
    --gap 2s --stall 60s --timeout 120s --quiet --json "$folder/run.json" \
    2>"$folder/load.log" &
  loading=$!
  pids="$pids $loading"
}

# Waits until no more exchanges come, at most $1 s; prints how many run.
most_exchanges() {
  most=0 same=0
  for _ in $(seq "$1"); do
    sleep 1
    now=$(($(metric exchanges) - 1))  # the question is one itself
    if [ "$now" -gt "$most" ]; then most=$now same=0; else same=$((same + 1)); fi
    [ "$most" -eq 0 ] || [ "$same" -lt 3 ] || break
  done
  echo "$most"
}

echo "1. A limit that is enough"
start_proxy "$((streams * 16 / 1024 + 32))MiB"
alone=$(metric memory_bytes)
limit=$(metric memory_limit_bytes)
open_streams 30s 30
running=$(most_exchanges 50)
used=$(metric memory_bytes)
rss=$(resident $proxying)
echo "  $running streams of $streams run at once on one worker"
echo "  promised at most $((limit / 1024)) KiB; counted $((used / 1024)) KiB, resident $rss KiB;" \
  "the program alone counted $((alone / 1024)) KiB"
echo "  a stream: $(((used - alone) / running)) bytes counted, of $(((rss * 1024 - alone) / running))" \
  "resident"
[ "$running" -eq "$streams" ] || fail "not all streams were open at one time"
wait "$loading" || fail "a stream failed: $(tail -n 3 "$folder/load.log")"
most=$(resident $proxying VmHWM)
echo "  at most resident: $most KiB; refused $(metric memory_refused_total), cut" \
  "$(metric memory_cut_total)"
[ "$((most * 1024))" -le "$limit" ] || fail "more than what was promised"
per_stream=$(((used - alone) / running))
end_proxy

echo "2. A limit that is enough for half of them"
start_proxy "$(((alone + per_stream * streams / 2) * 10 / 9 + 1))"
limit=$(metric memory_limit_bytes)
open_streams 30s 30
running=$(most_exchanges 50)
used=$(metric memory_bytes)
echo "  $running streams of $streams run at once; promised at most $((limit / 1024)) KiB, counted" \
  "$((used / 1024)) KiB, resident $(resident $proxying) KiB"
status=$(curl -s --max-time 10 -o "$folder/refused.json" -D "$folder/refused.head" -w '%{http_code}' \
  "http://127.0.0.1:$port/v1/models")
echo "  one more: status $status, $(grep -i '^retry-after' "$folder/refused.head" | tr -d '\r')"
[ "$status" = 503 ] || fail "new work was not refused"
grep -qi '^retry-after: 1' "$folder/refused.head" || fail "no Retry-After"
grep -q '"code":"proxy_memory_full"' "$folder/refused.json" || fail "not the API's error shape"
wait "$loading" || true  # what was refused counts as failed
refused=$(metric memory_refused_total)
complete=$(curl -s "http://127.0.0.1:$admin_port/metrics" |
  awk '/exchanges_total.outcome="complete"/ { printf "%d\n", $2 }')
most=$(resident $proxying VmHWM)
echo "  ended whole: $complete; refused with 503: $refused; cut: $(metric memory_cut_total);" \
  "at most resident: $most KiB"
[ "$((complete + refused - 1))" -eq "$streams" ] || fail "some were neither refused nor ended whole"
[ "$refused" -gt $((streams / 4)) ] || fail "hardly any was refused"
[ "$((most * 1024))" -le "$limit" ] || fail "more than what was promised"
status=$(curl -s --max-time 10 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/v1/models")
[ "$status" != 503 ] || fail "still refused after all has ended"
echo "  afterwards: status $status"
end_proxy
