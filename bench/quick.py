#!/usr/bin/env python3
"""What the proxy costs on this machine, in about a minute: called by `make bench`.

Everything is started here, on loopback, and ended here. Rivals are compared by compare.py.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

from compare import command, processes, upstream
from compare.processes import Failed

RUN_SECONDS_MAX = 30  # what a run may take longer than it was asked to
WARMUP_SECONDS = 0.5
CONNECTIONS = 32
RATE = 1000
STREAMS, STREAM_GAP_MS, STREAM_TOKENS = 200, 20, 50
FILE_BYTES = 16 << 20

PROXY_CONFIGURATION = """
listen: 127.0.0.1:{port}
workers: 1
upstreams: {{ openai: {{ url: "{scheme}://localhost:{upstream_port}", {tls} pool: {{ idle_max: 4096 }} }} }}
log: {{ level: warning, access: "off" }}
admin: {{ listen: "off" }}
"""


@dataclass
class Row:
    """One scenario, run directly and through the proxy."""
    title: str
    scenario: str
    plan: dict  # {option: value} of the load tool
    unit: str  # what the proxy's CPU time is spread over
    latency: str = "total"


ROWS = [
    Row(f"chat, {CONNECTIONS} connections", "chat", {"connections": CONNECTIONS}, "request"),
    Row(f"chat, {RATE:,} a second", "chat", {"connections": 200, "rate": RATE}, "request"),
    Row(f"stream, {STREAMS} at once", "stream",
        {"connections": STREAMS, "tokens": STREAM_TOKENS, "gap": f"{STREAM_GAP_MS}ms"}, "event",
        latency="first_token"),
    Row(f"upload, {FILE_BYTES >> 20} MiB", "upload",
        {"connections": 2, "size": FILE_BYTES, "path": "/v1/files?hash=0"}, "mib"),
    Row(f"download, {FILE_BYTES >> 20} MiB", "download", {"connections": 2, "size": FILE_BYTES},
        "mib"),
]


class Setup:
    """The upstream and the proxy before it, as long as the scope lives."""

    def __init__(self, scope, options):
        self.scope = scope
        self.tool = options.bench_binary
        self.folder = scope.new_folder("setup")
        self.is_tls = shutil.which("openssl") is not None
        serving, tls = [], ""
        if self.is_tls:
            upstream.make_certificates(self.folder)
            serving = ["--certificate", self.folder / "leaf.pem", "--key", self.folder / "leaf.key"]
            tls = f'tls: {{ ca_file: "{self.folder / "ca.pem"}" }},'
        upstream_port = self._start("upstream", lambda port: [
            self.tool, "serve", "--listen", f"127.0.0.1:{port}", *serving])
        scheme = "https" if self.is_tls else "http"
        self.direct_url = f"{scheme}://localhost:{upstream_port}"

        def proxy(port):
            configuration = self.folder / "proxy.yaml"
            configuration.write_text(PROXY_CONFIGURATION.format(
                port=port, scheme=scheme, upstream_port=upstream_port, tls=tls))
            return [options.binary, "--config", configuration]
        self.proxy_port = self._start("proxy", proxy)

    def _start(self, name, command):
        port = processes.free_port()
        log = self.folder / f"{name}.log"
        processes.wait_until_listening(self.scope.start(command(port), log), port, log)
        return port

    def run(self, row, seconds, is_direct):
        """The JSON of one run (bench/README.md)."""
        url = self.direct_url if is_direct else f"http://127.0.0.1:{self.proxy_port}"
        command = [self.tool, row.scenario, url, "--duration", f"{seconds}s", "--warmup",
                   f"{WARMUP_SECONDS}s", "--json", "-"]
        for option, value in row.plan.items():
            command += [f"--{option}", str(value)]
        if not is_direct:
            command += ["--watch-port", str(self.proxy_port)]
        elif self.is_tls:
            command += ["--ca-file", self.folder / "ca.pem"]
        environment = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=environment, check=False, timeout=seconds + RUN_SECONDS_MAX)
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise Failed(f"{row.title}: {done.stderr.strip()[-300:]}") from None


def duration(us):
    for unit, scale in (("s", 1e6), ("ms", 1e3)):
        if us >= scale:
            return f"{us / scale:.3g} {unit}"
    return f"{us:.3g} µs"


def rate(row, seen):
    if row.unit == "event":
        return f"{seen['events_per_s']:,.0f} events/s"
    if row.unit == "mib":
        return f"{seen['bytes_per_s'] / 2**20:,.0f} MiB/s"
    return f"{seen['requests_per_s']:,.0f} req/s"


def latencies(row, seen):
    found = seen["latency_us"].get(row.latency)
    return f"{duration(found['p50'])} / {duration(found['p99'])}" if found else "–"


def cells(row, direct, through):
    watched = through["watched"]
    cpu = watched.get(f"cpu_us_per_{row.unit}")
    unit = "MiB" if row.unit == "mib" else row.unit
    return [row.title, rate(row, direct), rate(row, through),
            f"{duration(cpu)}/{unit}" if cpu is not None else "–",
            latencies(row, direct), latencies(row, through),
            f"{watched['rss_peak_bytes'] / 2**20:.1f} MiB"]


HEADING = ["scenario", "direct", "proxied", "proxy's CPU", "p50 / p99 direct", "p50 / p99 proxied",
           "proxy's RSS"]


def print_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))))


def measure(options):
    """Prints the table; an exit status."""
    failed = 0
    table = [HEADING]
    with processes.Scope() as scope:
        setup = Setup(scope, options)
        for row in ROWS:
            print(f"… {row.title}", file=sys.stderr)
            direct = setup.run(row, options.seconds, is_direct=True)
            through = setup.run(row, options.seconds, is_direct=False)
            failed += direct["failed"] + through["failed"]
            table.append(cells(row, direct, through))
        behind = "a TLS upstream" if setup.is_tls else "a plain upstream (no openssl here for TLS)"
    print(f"""
openai-proxy with one worker before {behind}; load, proxy and upstream share {os.cpu_count()} cores.
Latencies are of whole answers, for streams of the first token. A request by itself costs more CPU
than one among many, for waking up is all its own.
""")
    print_table(table)
    if failed:
        print(f"\n{failed} requests FAILED: the figures mean little.")
    return 1 if failed else 0


def main():
    parser = command.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each of ten runs")
    return command.run(measure, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
