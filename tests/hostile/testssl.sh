#!/bin/sh
# Debian's testssl.sh against a TLS listener of a proxy of its own, with default settings. Fails on
# findings above LOW, but for those that are about the certificate, which is made here:
#   testssl.sh PROXY_BINARY
# Needs testssl, openssl and python3. Takes some minutes.
set -eu
binary=${1:?usage: testssl.sh PROXY_BINARY}
for tool in testssl openssl python3; do
  command -v "$tool" >/dev/null || { echo "testssl.sh: install $tool" >&2; exit 2; }
done
seconds_max=1800
folder=$(mktemp -d)
pid=
# shellcheck disable=SC2086 # may be empty
trap 'kill $pid 2>/dev/null || true; rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

# An ECDSA and an RSA certificate of an authority that is trusted below.
authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
    -keyout "$folder/ca.key" -out "$folder/ca.pem" -subj "/CN=openai-proxy test CA" \
    -addext keyUsage=critical,keyCertSign
}
leaf() { # NAME KEY_OPTIONS…
  name=$1
  shift
  openssl req -newkey "$@" -nodes -keyout "$folder/$name.key" -out "$folder/$name.csr" \
    -subj /CN=localhost
  printf '%s\n' subjectAltName=DNS:localhost,IP:127.0.0.1 basicConstraints=CA:FALSE \
    keyUsage=digitalSignature extendedKeyUsage=serverAuth >"$folder/leaf.ext"
  openssl x509 -req -in "$folder/$name.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" \
    -CAcreateserial -days 30 -extfile "$folder/leaf.ext" -out "$folder/$name.pem"
}
{ authority && leaf ecdsa ec -pkeyopt ec_paramgen_curve:P-256 && leaf rsa rsa:2048; } \
  >"$folder/openssl.log" 2>&1 || { cat "$folder/openssl.log" >&2; exit 1; }

ports=$(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(s.getsockname()[1] for s in sockets))')
port=${ports% *}
admin=${ports#* }
# The admin endpoint stands in for the API: something must answer.
cat >"$folder/proxy.yaml" <<YAML
listen:
  - address: 127.0.0.1:$port
    tls:
      certificate: $folder/ecdsa.pem
      key: $folder/ecdsa.key
      certificates: [{certificate: $folder/rsa.pem, key: $folder/rsa.key}]
upstreams: {openai: {url: "http://127.0.0.1:$admin"}}
log: {access: "off"}
admin: {listen: "127.0.0.1:$admin"}
YAML
"$binary" --config "$folder/proxy.yaml" 2>"$folder/proxy.log" & pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
  grep -q "listening on" "$folder/proxy.log" && break
  sleep 0.2
done

# All but simulated clients: real ones are in tests/clients. It exits with the number of its
# findings; what counts is in the file.
timeout "$seconds_max" testssl -p -s -f -P -S -U --quiet --color 0 --warnings batch --ip 127.0.0.1 --nodns min \
  --add-ca "$folder/ca.pem" --jsonfile "$folder/found.json" "https://localhost:$port/healthz" \
  </dev/null >"$folder/testssl.txt" 2>&1 || true
kill -0 "$pid" || { cat "$folder/proxy.log" >&2; echo "testssl.sh: the proxy ended" >&2; exit 1; }

python3 - "$folder/found.json" <<'PYTHON' || { cat "$folder/testssl.txt" >&2; exit 1; }
import json, re, sys

# About the certificate of this test, not about the proxy: nobody revokes it, publishes it in a log
# or names its authority in the DNS.
OF_THE_CERTIFICATE = re.compile(
    r"(cert_(chain_of_trust|revocation|crl|ocsp|trust|caIssuers|expirationStatus|notAfter|"
    r"extlifeSpan|validityPeriod)|OCSP_|DNS_CAArecord|certificate_transparency|"
    r"overall_grade|grade_cap)")
BAD = ("MEDIUM", "HIGH", "CRITICAL", "FATAL")

with open(sys.argv[1], encoding="utf-8") as file:
    found = json.load(file)
names = {one["id"] for one in found}
for needed in ("TLS1_2", "TLS1_3", "cipher_order", "heartbleed", "LUCKY13"):
    if not any(name.startswith(needed) for name in names):
        sys.exit(f"testssl.sh: did not get as far as {needed}")
bad = [one for one in found if one["severity"] in BAD]
counted = [one for one in bad
           if not OF_THE_CERTIFICATE.match(one["id"])]
for one in bad:
    print(f"{'FAILED ' if one in counted else 'excused'} {one['severity']:8} {one['id']}: "
          f"{one['finding']}")
low = sorted({one["id"] for one in found if one["severity"] == "LOW"})
print(f"testssl: {len(found)} results, {len(counted)} findings above LOW; LOW: {', '.join(low)}")
sys.exit(1 if counted else 0)
PYTHON
