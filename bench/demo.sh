#!/bin/sh
# Shows a chat reply streaming through the proxy, on this machine alone and without a key.
#   demo.sh PROXY LOAD_TOOL        called by `make demo`; ends by itself, or quietly on Ctrl-C
set -eu
proxy=$1
tool=$2
# As many words of the stand-in as it takes to the end of a sentence.
words=112
dir=$(mktemp -d)
serving=
proxying=

finish() {
  trap - EXIT
  trap '' INT TERM
  for pid in $proxying $serving; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$dir"
}
trap finish EXIT
# Whoever has seen enough has seen no failure: make would report one.
trap 'exit 0' INT
trap 'exit 143' TERM

# The port that process $1 says, in file $2, that it listens on; 5 s are given.
port_of() {
  for _ in $(seq 100); do
    port=$(sed -n -E 's/.*listening on .*:([0-9]+)$/\1/p' "$2" | head -n 1)
    if [ -n "$port" ]; then echo "$port"; return 0; fi
    kill -0 "$1" 2>/dev/null || break
    sleep 0.05
  done
  echo "demo.sh: this did not start:" >&2
  cat "$2" >&2
  return 1
}

"$tool" serve --listen 127.0.0.1:0 >"$dir/serve.log" 2>&1 &
serving=$!
upstream_port=$(port_of $serving "$dir/serve.log")

cat >"$dir/proxy.yaml" <<YAML
listen: 127.0.0.1:0
workers: 1
upstreams: { openai: { url: "http://127.0.0.1:$upstream_port" } }
log: { access: "off" }
admin: { listen: "off" }
YAML
"$proxy" --config "$dir/proxy.yaml" >"$dir/proxy.log" 2>&1 &
proxying=$!
port=$(port_of $proxying "$dir/proxy.log")

cat <<TEXT
A stand-in for the API listens on 127.0.0.1:$upstream_port, openai-proxy before it on 127.0.0.1:$port.
It is asked for an answer that streams, and answers, token by token:

TEXT
env -u OPENAI_API_KEY "$tool" ask "http://127.0.0.1:$port" --model gpt-demo --prompt 'Hello!' \
  --tokens $words --gap 60ms

# What follows is for copying: with the ports that were free a moment ago.
cat <<TEXT

Both have been stopped again. To ask yourself, start them and ask as any client of the API does:

  $tool serve --listen 127.0.0.1:$upstream_port --gap 60ms --tokens $words &
  $proxy --upstream http://127.0.0.1:$upstream_port --listen 127.0.0.1:$port >demo.log 2>&1 &
  curl -N --retry 5 --retry-connrefused http://127.0.0.1:$port/v1/chat/completions \\
    -H 'Content-Type: application/json' \\
    -d '{"model": "gpt-demo", "stream": true, "messages": [{"role": "user", "content": "Hello!"}]}'
  kill %1 %2

For the real thing start $proxy alone, and give your client http://127.0.0.1:8080/v1 as
its base URL and your own key.
TEXT
