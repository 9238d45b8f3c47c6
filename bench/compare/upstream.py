"""What stands behind the contestants: the load tool's own upstream, and one for handshakes."""

import contextlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import processes
from .processes import Failed

LEAF_DAYS = 2


def run_openssl(folder, *arguments):
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True,
                          timeout=30)
    if done.returncode != 0:
        raise Failed(f"openssl {arguments[0]}: {done.stderr.strip()[-300:]}")


def make_certificates(folder):
    """ca.pem, and leaf.pem with leaf.key for localhost, both ECDSA P-256; both.pem is the two."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    days = ["-days", str(LEAF_DAYS)]
    run_openssl(folder, "req", "-x509", *key, *days, "-keyout", "ca.key", "-out", "ca.pem",
                "-subj", "/CN=bench authority")
    run_openssl(folder, "req", *key, "-keyout", "leaf.key", "-out", "leaf.csr",
                "-subj", "/CN=localhost")
    (folder / "leaf.ext").write_text("subjectAltName = DNS:localhost, IP:127.0.0.1\n")
    run_openssl(folder, "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", *days, "-extfile", "leaf.ext", "-out", "leaf.pem")
    both = (folder / "leaf.pem").read_text() + (folder / "leaf.key").read_text()
    (folder / "both.pem").write_text(both)
    for path in folder.iterdir():
        path.chmod(0o644)  # contestants that drop root read them too


class Upstream:
    """`openai-proxy-bench serve` twice, over TLS and plain; a context manager. `options` are its
    own: {"tokens": 10}. Without `certificates`, a folder with some, it makes new ones."""

    def __init__(self, scope, bench_binary, certificates=None, options=None):
        self.scope = scope
        self.certificates = certificates or scope.new_folder("certificates")
        if not certificates:
            make_certificates(self.certificates)
        self.ca_file = self.certificates / "ca.pem"
        self.arguments = [text for name, value in (options or {}).items()
                          for text in (f"--{name}", value)]
        self.processes = []
        self.tls_port = self._serve(bench_binary, [
            "--certificate", self.certificates / "leaf.pem",
            "--key", self.certificates / "leaf.key"])
        self.plain_port = self._serve(bench_binary, [])

    def _serve(self, bench_binary, more):
        port = processes.free_port()
        log = self.scope.new_folder("serve") / "output.log"
        process = self.scope.start([bench_binary, "serve", "--listen", f"127.0.0.1:{port}",
                                    *self.arguments, *more], log)
        self.processes.append(process)
        processes.wait_until_listening(process, port, log)
        return port

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            self.scope.end(process)


@dataclass
class ClosingUpstream:
    """An nginx that ends each TLS connection after one answer, but for those to STREAM_PATH."""
    tls_port: int
    sessions: Path  # a line for each request: "r" where its session was resumed

    def resumed_share(self):
        """Of the requests so far, those on a resumed session: 0 to 1."""
        seen = self.sessions.read_text().split()
        return seen.count("r") / len(seen) if seen else 0


STREAM_PATH = "/v1/responses"
CLOSING_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log error;
events {{ worker_connections 4000; }}
http {{
  log_format sessions '$ssl_session_reused';
  access_log {folder}/sessions sessions;
  client_body_temp_path {folder}/1;
  proxy_temp_path {folder}/2;
  fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4;
  scgi_temp_path {folder}/5;
  keepalive_timeout 0;
  ssl_protocols TLSv1.3;
  ssl_session_cache off;
  ssl_session_tickets {tickets};
  ssl_certificate {certificates}/leaf.pem;
  ssl_certificate_key {certificates}/leaf.key;
  server {{
    listen 127.0.0.1:{port} ssl backlog=4096;
    location / {{ default_type application/json; return 200 '{{"ok": true}}'; }}
    location {stream_path} {{
      keepalive_timeout 1h;
      proxy_buffering off;
      proxy_http_version 1.1;
      proxy_pass http://127.0.0.1:{stream_port};
    }}
  }}
}}
"""


@contextlib.contextmanager
def closing_upstream(scope, behind, nginx, tickets):
    """A ClosingUpstream, so that a contestant needs a new connection for each request whatever its
    pool; with or without tickets to resume. Certificates and streams are those of `behind`, an
    Upstream."""
    folder = scope.new_folder("closing")
    port = processes.free_port()
    (folder / "nginx.conf").write_text(CLOSING_CONFIGURATION.format(
        folder=folder, certificates=behind.certificates, port=port,
        tickets="on" if tickets else "off", stream_path=STREAM_PATH,
        stream_port=behind.plain_port))
    process = scope.start([nginx.program, "-e", folder / "early.log", "-p", folder,
                           "-c", folder / "nginx.conf"], folder / "output.log",
                          nginx.environment())
    try:
        processes.wait_until_listening(process, port, folder / "error.log")
        yield ClosingUpstream(port, folder / "sessions")
    finally:
        scope.end(process)
