#!/usr/bin/env python3
"""The proxy under a mixed load for long, reloaded now and then: called by `make soak`.

Every request is answered, resident memory does not grow once it is warm, the descriptors come back,
and the end is orderly: with sanitizers that means without a report of theirs. On loopback.
"""

import os
import re
import signal
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))

from compare import command, load, processes, upstream  # noqa: E402
from compare.processes import Failed  # noqa: E402

IDLE_SECONDS = 5
CONFIGURATION = """
listen: 127.0.0.1:{port}
workers: 2
upstreams:
  openai:
    url: https://localhost:{upstream_port}
    tls: {{ ca_file: "{ca_file}" }}
    pool: {{ idle_timeout: {idle_seconds}s }}
log: {{ level: warning, access: "{folder}/access.log" }}
admin: {{ listen: "off" }}
"""
MIX = "chat=12,stream=4,upload=1,download=1,connect=2"
CONNECTIONS = 64
SIZE = 256 << 10  # of an upload, of a download
TOKENS, GAP = 20, "5ms"
WARM_SECONDS = 5
RELOADED_SECONDS, RELOADS = 30, 400  # after which a sanitizer keeps as much as it ever will
SAMPLE_SECONDS = 1.0
RELOAD_SECONDS = 10.0
WARM_SHARE = 1 / 3  # of the time, until memory must have stopped growing
GROWTH_SHARE_MAX = 0.05
GROWTH_BYTES_MAX = 3 << 20  # where that is more: a few connections' buffers
END_SECONDS_MAX = 60
# A sanitizer keeps what was freed for a while, which memory is not to be judged by: this much of it
# is reached soon.
SANITIZERS = {"ASAN_OPTIONS": "quarantine_size_mb=8:malloc_context_size=8"}


class Proxy:
    """What load.Load needs of a session, and the process behind it."""

    fields = []

    def __init__(self, bench):
        self.port = processes.free_port()
        self.folder = bench.scope.new_folder("proxy")
        self.log = self.folder / "output.log"
        configuration = self.folder / "proxy.yaml"
        configuration.write_text(CONFIGURATION.format(
            port=self.port, upstream_port=bench.upstream.tls_port, folder=self.folder,
            ca_file=bench.upstream.ca_file, idle_seconds=IDLE_SECONDS))
        self.process = bench.scope.start([bench.options.binary, "--config", configuration],
                                         self.log, SANITIZERS)
        processes.wait_until_listening(self.process, self.port, self.log)

    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def reload(self, times, seconds):
        """As often, within that time, while it lives."""
        for _ in range(times):
            if self.process.poll() is not None:
                return
            self.process.send_signal(signal.SIGHUP)
            time.sleep(seconds / times)

    def rss_bytes(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) << 10

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def settled_descriptors(self, wanted):
        end = time.monotonic() + END_SECONDS_MAX
        while self.descriptors() > wanted and time.monotonic() < end:
            time.sleep(0.2)
        return self.descriptors()

    def end(self):
        """Its exit status, after an orderly end."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(END_SECONDS_MAX)


class Bench:
    def __init__(self, options, scope):
        self.options = options
        self.scope = scope
        self.upstream = upstream.Upstream(scope, options.bench_binary)


def sample(proxy, running, seconds):
    """Resident memory, once a second, while the load runs; reloads the proxy meanwhile."""
    samples = []
    begun = time.monotonic()
    reload_at = RELOAD_SECONDS
    while running.process.poll() is None:
        if proxy.process.poll() is not None:
            raise Failed(f"it ended with status {proxy.process.returncode}: "
                         f"{processes.tail(proxy.log, 20)}")
        since = time.monotonic() - begun
        if since > seconds + END_SECONDS_MAX:
            break
        if since > reload_at:
            proxy.reload(1, 0)
            reload_at += RELOAD_SECONDS
        if since <= seconds:
            samples.append(proxy.rss_bytes())
        time.sleep(SAMPLE_SECONDS)
    return samples


def growth(samples):
    """Medians of the first and the last third of what came after the warm-up."""
    warm = samples[int(len(samples) * WARM_SHARE):]
    third = len(warm) // 3
    if third < 3:
        raise Failed("too short for a judgement: take 30 seconds at least")
    return statistics.median(warm[:third]), statistics.median(warm[-third:])


def measure(options):
    failures = []
    plan = {"mix": MIX, "size": SIZE, "tokens": TOKENS, "gap": GAP}
    with processes.Scope() as scope:
        bench = Bench(options, scope)
        proxy = Proxy(bench)
        # What a worker opens once, at its first connections, is open already, and it has had as many
        # requests at a time as it will have: a machine that is busy for a moment makes them meet.
        load.run(bench, proxy, "mixed", WARM_SECONDS, connections=CONNECTIONS, **plan)
        reloaded = load.Load(bench, proxy, "mixed", RELOADED_SECONDS, connections=CONNECTIONS,
                             rate=options.rate, **plan)
        proxy.reload(RELOADS, RELOADED_SECONDS)
        warm = reloaded.wait()
        time.sleep(IDLE_SECONDS + 2)
        descriptors = proxy.descriptors()
        running = load.Load(bench, proxy, "mixed", options.seconds, connections=CONNECTIONS,
                            rate=options.rate, **plan)
        samples = sample(proxy, running, options.seconds)
        seen = running.wait()
        before, after = growth(samples)
        left = proxy.settled_descriptors(descriptors)
        status = proxy.end()
        mib = 1 << 20
        print(f"{options.binary.name}: {options.seconds} s, {seen['requests']:,} requests, "
              f"{seen['failed']} failed; RSS {samples[0] / mib:.1f} MiB at first, "
              f"{before / mib:.1f} MiB warm, {after / mib:.1f} MiB at the end, "
              f"{max(samples) / mib:.1f} MiB at most; descriptors {descriptors} before, {left} "
              f"after; ended with status {status}")
        for part in (warm, seen):
            if part["failed"] or not part["requests"]:
                failures.append(f"{part['failed']} requests failed: {part['failures']}")
        if after - before > max(GROWTH_BYTES_MAX, before * GROWTH_SHARE_MAX):
            failures.append(f"memory grew by {(after - before) / mib:.1f} MiB after the warm-up")
        if left > descriptors:
            failures.append(f"{left - descriptors} descriptors have not come back")
        if status != 0:
            failures.append(f"it ended badly: {processes.tail(proxy.log, 20)}")
    for failure in failures:
        print(f"FAILED: {failure}")
    return 1 if failures else 0


def main():
    parser = command.parser(__doc__)
    parser.add_argument("--seconds", type=int, default=1800)
    parser.add_argument("--rate", type=int, default=200, help="requests a second")
    return command.run(measure, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
