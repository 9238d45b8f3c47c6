#!/bin/sh
# Slow clients (slowhttptest: slow heads, slow bodies, slow reading; 500 connections each) against
# a proxy of its own, while an ordinary client goes on asking and must be answered quickly, and the
# proxy must stay small:
#   slow.sh PROXY_BINARY
# Needs slowhttptest, curl and python3. Takes less than a minute.
set -eu
binary=${1:?usage: slow.sh PROXY_BINARY}
for tool in slowhttptest curl python3; do
  command -v "$tool" >/dev/null || { echo "slow.sh: install $tool" >&2; exit 2; }
done
connections=500
seconds=10          # of each attack
resident_kb_max=24000  # of the proxy, whatever they do; half of it is usual
slack_ms=100        # by which 90% of ordinary requests may take longer than without an attack
folder=$(mktemp -d)
pids=
# shellcheck disable=SC2086 # a list
trap 'kill $pids 2>/dev/null || true; rm -rf "$folder"' EXIT INT TERM

# An upstream: a small answer, or a large one under /large.
cat >"$folder/upstream.py" <<'PYTHON'
import http.server, socketserver, sys

LARGE = b"x" * (64 << 20)

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = LARGE if self.path == "/large" else b"ok"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()
    def log_message(self, *_):
        pass

class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 1024
    def handle_error(self, *_):
        pass

server = Server(("127.0.0.1", 0), Handler)
with open(sys.argv[1], "w", encoding="ascii") as file:
    file.write(str(server.server_address[1]))
server.serve_forever()
PYTHON
# The large answers come from a process of their own, or ordinary ones would wait there.
for name in small large; do
  nice -n 19 python3 "$folder/upstream.py" "$folder/$name" & pids="$pids $!"
  for _ in 1 2 3 4 5 6 7 8 9 10; do [ -s "$folder/$name" ] && break; sleep 0.2; done
done

# Deadlines short enough to be seen to pass within each attack.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$folder/proxy.yaml" <<YAML
listen: 127.0.0.1:$port
workers: 1
upstreams:
  openai: { url: "http://127.0.0.1:$(cat "$folder/small")" }
  large: { url: "http://127.0.0.1:$(cat "$folder/large")" }
routes: [{ path: / }, { path: /large, upstream: large }]
timeouts: { request_head: 5s, request_body_silence: 5s, response_write_silence: 3s }
log: { access: "off", level: error }
admin: { listen: off }
YAML
"$binary" --config "$folder/proxy.yaml" & proxy=$! pids="$pids $!"
sleep 0.5

# Asks every 50 ms until the file `stop` is there; prints how many, the median, the 90th percentile and the worst, in ms.
cat >"$folder/ordinary.py" <<'PYTHON'
import http.client, os, sys, time

port, stop = int(sys.argv[1]), sys.argv[2]
times = []
while not os.path.exists(stop):
    begun = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/small")
    response = connection.getresponse()
    if response.status != 200 or response.read() != b"ok":
        sys.exit(f"status {response.status}")
    connection.close()
    times.append((time.monotonic() - begun) * 1000)
    time.sleep(0.05)
times.sort()
print(len(times), round(times[len(times) // 2]), round(times[int(len(times) * 0.9)]), round(times[-1]))
PYTHON

failed=0

# Without an attack: what this machine does with what else runs on it.
rm -f "$folder/stop"
python3 "$folder/ordinary.py" "$port" "$folder/stop" >"$folder/times" &
ordinary=$!
sleep 4
touch "$folder/stop"
wait "$ordinary"
read -r count median late worst <"$folder/times"
echo "quiet: $count ordinary requests, median $median ms, 90% $late ms, worst $worst ms"
answer_ms_max=$((2 * late + slack_ms))

attack() {
  name=$1
  shift
  rm -f "$folder/stop"
  python3 "$folder/ordinary.py" "$port" "$folder/stop" >"$folder/times" 2>"$folder/errors" &
  ordinary=$!
  nice -n 19 slowhttptest -c "$connections" -r 250 -l "$seconds" "$@" -g -o "$folder/$name" >/dev/null 2>&1 || true
  touch "$folder/stop"
  if ! wait "$ordinary"; then
    echo "slow.sh: $name: an ordinary request failed: $(cat "$folder/errors")" >&2
    failed=1
    return
  fi
  read -r count median late worst <"$folder/times"
  # The last line: seconds, then connections closed, pending, connected, service available.
  last=$(tail -n 1 "$folder/$name.csv" | cut -d, -f1-4)
  most=$(cut -d, -f4 "$folder/$name.csv" | sort -n | tail -n 1)
  echo "$name: $count ordinary requests, median $median ms, 90% $late ms, worst $worst ms;" \
    "at most $most attackers connected; at the end (s,closed,pending,connected) $last"
  if [ "$late" -gt "$answer_ms_max" ]; then
    echo "slow.sh: $name: ordinary requests took longer than $answer_ms_max ms" >&2
    failed=1
  fi
  if [ "${most:-0}" -lt $((connections / 2)) ]; then
    echo "slow.sh: $name: there was no attack to speak of" >&2
    failed=1
  fi
}

attack head -H -i 1 -p 3 -u "http://127.0.0.1:$port/small"
attack body -B -i 1 -p 3 -s 8192 -u "http://127.0.0.1:$port/small"
attack read -X -w 512 -y 1024 -n 1 -z 32 -p 3 -u "http://127.0.0.1:$port/large"

resident_kb=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$proxy/status")
echo "memory: at most $resident_kb kB resident"
if [ "${resident_kb:-$resident_kb_max}" -ge "$resident_kb_max" ]; then
  echo "slow.sh: the proxy grew beyond $resident_kb_max kB" >&2
  failed=1
fi
exit "$failed"
