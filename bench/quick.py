#!/usr/bin/env python3
"""What the proxy costs on this machine, in about a minute: called by `make bench`.

Everything is started here, on loopback, and ended here. Rivals are compared by compare.py.
"""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass

from compare import command, processes, upstream
from compare.processes import Failed

RUN_SECONDS_MAX = 30  # what a run may take longer than it was asked to
WARMUP_SECONDS = 0.5
CONNECTIONS = 32
RATE = 1000
STREAMS, STREAM_GAP_MS, STREAM_TOKENS = 200, 20, 50
FILE_BYTES = 16 << 20
NOISE = 0.10  # by which two runs of the same may differ here

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


RATES = {"request": "requests_per_s", "event": "events_per_s", "mib": "bytes_per_s"}


def advantages(row, direct, through):
    """Where the proxied run looks better than the direct one, which no proxy can be the cause of:
    [(what, by which share)]."""
    key = RATES[row.unit]
    found = [("throughput", through[key] / direct[key] - 1 if direct[key] else 0)]
    one, other = (seen["latency_us"].get(row.latency) for seen in (direct, through))
    if one and other:
        found += [(name, 1 - other[name] / one[name] if one[name] else 0)
                  for name in ("p50", "p99")]
    return [(what, share) for what, share in found if share >= 0.005]


def why_better(row, direct, through, is_tls):
    """A sentence for a row whose proxied figure beats the direct one, "" for any other."""
    found = advantages(row, direct, through)
    if not found:
        return ""
    text = " and ".join(f"{what} by {share:.0%}" for what, share in found)
    reasons = []
    if is_tls:
        cpu = [f"{seen['tool_process']['cpu_percent']:.0f} %" for seen in (direct, through)]
        reasons.append("directly the load tool does the TLS itself, on its one thread "
                       f"({cpu[0]} CPU, behind the proxy {cpu[1]})")
    if row.unit in ("event", "mib"):
        reasons.append("the proxy passes on in one write what has come together, which wakes the "
                       "load tool less often")
    if max(share for _, share in found) <= NOISE:
        reasons.insert(0, "that is within what two runs differ by, made one after the other on a "
                          "shared machine")
    else:
        reasons.append("and the runs were made one after the other on a shared machine")
    return f"{row.title} is better proxied, {text}: {'; '.join(reasons)}."


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
    table, notes = [HEADING], []
    with processes.Scope() as scope:
        setup = Setup(scope, options)
        for row in ROWS:
            print(f"… {row.title}", file=sys.stderr)
            direct = setup.run(row, options.seconds, is_direct=True)
            through = setup.run(row, options.seconds, is_direct=False)
            failed += direct["failed"] + through["failed"]
            table.append(cells(row, direct, through))
            if note := why_better(row, direct, through, setup.is_tls):
                table[-1][0] += " *"
                notes.append(note)
        behind = "a TLS upstream" if setup.is_tls else "a plain upstream (no openssl here for TLS)"
    print(f"""
openai-proxy with one worker before {behind}; load, proxy and upstream share {os.cpu_count()} cores.
Latencies are of whole answers, for streams of the first token. A request by itself costs more CPU
than one among many, for waking up is all its own.
""")
    print_table(table)
    for note in notes:
        print("\n" + textwrap.fill(f"* {note}", 100, subsequent_indent="  "))
    if failed:
        print(f"\n{failed} requests FAILED: the figures mean little.")
    return 1 if failed else 0


def main():
    parser = command.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each of ten runs")
    return command.run(measure, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
