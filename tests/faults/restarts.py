#!/usr/bin/env python3
"""Reloads and restarts under load: called by `make test-restarts`.

  SIGUSR2   the new process takes the sockets over; every request on a new connection, then kept ones
  SIGHUP    the configuration is read again
  TERM      the old process drains and ends, then a new one starts on a socket that was held for
            both, as systemd holds that of a socket unit
Not one connection may be refused or reset, and not one request fail. Everything is on loopback.
"""

import os
import re
import signal
import socket
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))

from compare import command, load, processes, upstream  # noqa: E402
from compare.processes import Failed  # noqa: E402

CONFIGURATION = """
listen: 127.0.0.1:{port}
workers: {workers}
upstreams:
  openai:
    url: https://localhost:{upstream_port}
    tls: {{ ca_file: "{ca_file}" }}
    pool: {{ idle_max: 4096 }}
log: {{ level: info, access: "off" }}
admin: {{ listen: "off" }}
"""
STEP_SECONDS_MAX = 20  # a reload or a restart
LOAD_SECONDS_MAX = 400
CONNECTIONS = 16
LISTEN_BACKLOG = 4096
# A shell becomes the proxy: only a process can know its own number.
INHERIT = '[ {0} = 3 ] || exec 3<&{0} {0}<&-; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$0" "$@"'


class Proxy:
    """What load.Load needs of a session, and the proxy behind it, whichever process that is."""

    fields = []

    def __init__(self, bench, workers, held=None):
        self.bench = bench
        self.held = held
        self.port = held.getsockname()[1] if held else processes.free_port()
        folder = bench.scope.new_folder("proxy")
        self.log = folder / "output.log"
        self.configuration = folder / "proxy.yaml"
        self.configuration.write_text(CONFIGURATION.format(
            port=self.port, workers=workers, upstream_port=bench.upstream.tls_port,
            ca_file=bench.upstream.ca_file))
        self.start()

    def start(self):
        command = [self.bench.options.binary, "--config", self.configuration]
        descriptors = []
        if self.held:
            descriptors = [self.held.fileno()]
            command = ["/bin/sh", "-c", INHERIT.format(*descriptors), *command]
        self.process = self.bench.scope.start(command, self.log, descriptors=descriptors)
        self.pid = self.process.pid
        self.wait_for(r"listening on", 1)

    def wait_for(self, text, times):
        """The matches of `text` in the log, once they are that many."""
        end = time.monotonic() + STEP_SECONDS_MAX
        while time.monotonic() < end:
            found = re.findall(text, self.log.read_text())
            if len(found) >= times:
                return found
            time.sleep(0.005)
        raise Failed(f"no `{text}` in its log: {processes.tail(self.log)}")

    def replace(self, time_number):
        os.kill(self.pid, signal.SIGUSR2)
        self.pid = int(self.wait_for(r"process (\d+) serves now", time_number)[-1])

    def reload(self, time_number):
        os.kill(self.pid, signal.SIGHUP)
        self.wait_for("configuration reloaded", time_number)

    def drain_and_start(self, _):
        os.kill(self.pid, signal.SIGTERM)
        if self.process.wait(STEP_SECONDS_MAX) != 0:
            raise Failed(f"ended with status {self.process.returncode}")
        self.start()

    def url(self):
        return f"http://127.0.0.1:{self.port}"


class Bench:
    def __init__(self, options, scope):
        self.options = options
        self.scope = scope
        self.upstream = upstream.Upstream(scope, options.bench_binary)


def run(bench, title, workers, step, steps, scenario, requests, held=None, **plan):
    """Loads a new proxy while `step` is done to it `steps` times; whether nothing was lost."""
    proxy = Proxy(bench, workers, held)
    running = load.Load(bench, proxy, scenario, LOAD_SECONDS_MAX, requests=requests,
                        connections=CONNECTIONS, **plan)
    for number in range(1, steps + 1):
        time.sleep(bench.options.pause)
        if running.process.poll() is not None:
            raise Failed(f"{title}: the load ended before step {number}: use more --requests")
        getattr(proxy, step)(number)
    seen = running.wait()
    failures = {cause: count for cause, count in seen["failures"].items() if count}
    is_whole = seen["requests"] == requests and not seen["failed"]
    print(f"{title}, {workers} worker{'s' if workers > 1 else ''}: {seen['requests']:,} of "
          f"{requests:,} requests on {seen['connections_opened']:,} connections were answered in "
          f"{seen['elapsed_us'] / 1e6:.0f} s, {seen['failed']} failed {failures or ''}"
          f"{'' if is_whole else '  FAILED'}", flush=True)
    bench.scope.end(proxy.process)
    return is_whole


def measure(options):
    good = True
    with processes.Scope() as scope, socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen(LISTEN_BACKLOG)
        bench = Bench(options, scope)
        few = options.requests // 5
        for workers in (1, 2):
            good &= run(bench, f"{options.restarts} times SIGUSR2, new connections", workers,
                        "replace", options.restarts, "connect", options.requests)
            good &= run(bench, f"{options.restarts} times SIGUSR2, kept connections", workers,
                        "replace", options.restarts, "mixed", options.requests,
                        mix="chat=8,stream=2", tokens=10)
            good &= run(bench, f"{options.reloads} times SIGHUP, kept connections", workers,
                        "reload", options.reloads, "mixed", options.requests,
                        mix="chat=8,stream=2", tokens=10)
            good &= run(bench, f"{options.restarts} times TERM and start, new connections", workers,
                        "drain_and_start", options.restarts, "connect", few, held)
    return 0 if good else 1


def main():
    parser = command.parser(__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--reloads", type=int, default=100)
    parser.add_argument("--pause", type=float, default=0.02, help="seconds between two of them")
    return command.run(measure, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
