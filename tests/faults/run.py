#!/usr/bin/env python3
"""Requests through the proxy, nginx and HAProxy while their upstream fails in every way it can:
called by `make test-faults`.

Every answer can be checked: it depends on the request's number and body. Each contestant meets the
same faults at the same requests (script.py). The proxy fails the test where a single answer looks
whole and is not, where its clients see more errors than a rival's, or where descriptors or memory
do not come back.
"""

import asyncio
import dataclasses
import os
import re
import resource
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))

import load  # noqa: E402
import script  # noqa: E402
from compare import command, contestants, processes, session, upstream  # noqa: E402

CONTESTANTS = ("ours", "nginx", "haproxy")
WARM_UP = 2_000  # requests without faults before the first count
IDLE_SECONDS = 3  # how long the proxy keeps idle connections here
BACK_SECONDS_MAX = 30
RSS_GROWTH_BYTES_MAX = 8 << 20
# The comparison's configurations, with one patience for all.
PATIENCE = [
    (r"proxy_read_timeout 15m", f"proxy_read_timeout {script.SILENCE_SECONDS}s"),
    (r"timeout server 15m", f"timeout server {script.SILENCE_SECONDS}s"),
    (r"pool: \{ idle_max: 4096 \}",
      f"pool: {{ idle_max: 4096, idle_timeout: {IDLE_SECONDS}s }}\n"
     f"    timeouts: {{ first_byte: {script.SILENCE_SECONDS}s, silence: {script.SILENCE_SECONDS}s, "
     f"stream_silence: {script.SILENCE_SECONDS}s }}"),
]


class Upstream:
    def __init__(self, scope, share):
        self.certificates = scope.new_folder("certificates")
        upstream.make_certificates(self.certificates)
        self.ca_file = self.certificates / "ca.pem"
        self.scope = scope
        self.share = share

    def __enter__(self):
        """A new process: what it has seen of an earlier run is forgotten."""
        self.tls_port = processes.free_port()
        log = self.scope.new_folder("upstream") / "output.log"
        self.process = self.scope.start(
            [sys.executable, Path(__file__).parent / "upstream.py", self.tls_port,
             self.certificates / "leaf.pem", self.certificates / "leaf.key", self.share], log)
        processes.wait_until_listening(self.process, self.tls_port, log)
        return self

    def __exit__(self, *_):
        self.scope.end(self.process)


class Bench:
    """What session.Session needs of its caller."""

    def __init__(self, options, scope):
        self.options = options
        self.scope = scope
        self.starts = {}
        self.upstream = Upstream(scope, options.faults)

    def find(self, name):
        found = next(one for one in contestants.CONTESTANTS if one.name == name)
        return found.find(self.options.cache, self.options)

    def contestant(self, name):
        found = next(one for one in contestants.CONTESTANTS if one.name == name)
        text = (contestants.RIVALS / found.template).read_text()
        for pattern, instead in PATIENCE:
            text = re.sub(pattern, instead, text)
        template = self.scope.new_folder("template") / found.template
        template.write_text(text)
        return dataclasses.replace(found, template=str(template))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def rss_bytes(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) << 10


def settled_descriptors(pid, wanted):
    """How many there are once no more than `wanted`, or at last."""
    end = time.monotonic() + BACK_SECONDS_MAX
    while descriptors(pid) > wanted and time.monotonic() < end:
        time.sleep(0.1)
    return descriptors(pid)


def go(running, numbers, options, share):
    return asyncio.run(load.run(running.port, numbers, options.connections, share))


def run_one(bench, name):
    """(Tally, seconds, what is wrong with it)."""
    options = bench.options
    problems = []
    with bench.upstream, session.Session(bench, bench.contestant(name), options.workers,
                                         bench.upstream) as running:
        pid = running.process.pid
        time.sleep(IDLE_SECONDS + 1)  # what asked whether it was there has gone
        idle = descriptors(pid)
        # Numbers below 0 meet no fault.
        go(running, range(-WARM_UP - 1, -1), options, 0)
        if name == "ours":
            settled_descriptors(pid, idle)
        before = rss_bytes(pid)
        started = time.monotonic()
        tally = go(running, range(options.requests), options, options.faults)
        seconds = time.monotonic() - started
        if name == "ours":
            after = settled_descriptors(pid, idle)
            print(f"ours: descriptors {idle} before, {after} after; "
                  f"RSS {before / 2**20:.1f} MiB before, {rss_bytes(pid) / 2**20:.1f} MiB after")
            if after > idle:
                problems.append(f"{after - idle} descriptors have not come back")
            if rss_bytes(pid) - before > RSS_GROWTH_BYTES_MAX:
                problems.append("its memory has grown")
            if running.process.poll() is not None:
                problems.append("it has ended")
    return tally, seconds, problems


def report(name, tally, seconds, options):
    errors = sum(tally.errors.values())
    print(f"{name}: {tally.right} right, {errors} errors, {len(tally.wrong)} wrong; "
          f"{options.requests / seconds:.0f} requests/s")
    for title, counter in (("told", tally.errors), ("after", tally.faults)):
        listed = ", ".join(f"{what} {count}" for what, count in sorted(counter.items()))
        print(f"  {title}: {listed or 'none'}")
    for number, kind, fault, answer in tally.wrong[:5]:
        print(f"  WRONG: request {number} ({kind}, fault {fault or 'none'}): {answer!r}")
    sys.stdout.flush()


def measure(options):
    failures, errors = [], {}
    with processes.Scope() as scope:
        bench = Bench(options, scope)
        for name in options.only.split(","):
            try:
                tally, seconds, problems = run_one(bench, name)
            except processes.TROUBLE as error:
                print(f"{name}: {error}")
                if name == "ours":
                    failures.append(str(error))
                continue
            report(name, tally, seconds, options)
            errors[name] = sum(tally.errors.values())
            if name == "ours":
                failures += problems
                failures += [f"{len(tally.wrong)} wrong answers"] if tally.wrong else []
                failures += ["errors without a fault"] if tally.faults["none"] else []
    for name, count in errors.items():
        if errors.get("ours", 0) > count:
            failures.append(f"{errors['ours']} errors, {name} has {count}")
    for failure in failures:
        print(f"FAILED: ours: {failure}")
    return 1 if failures else 0


def main():
    parser = command.parser(__doc__)
    parser.add_argument("--cache", type=Path, default=ROOT / "third_party/.cache/rivals",
                        help="where rivals are unpacked")
    parser.add_argument("--requests", type=int, default=100_000, help="of each contestant")
    parser.add_argument("--faults", type=float, default=0.01, help="their share of the requests")
    parser.add_argument("--connections", type=int, default=48)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", default=",".join(CONTESTANTS))
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 20_000)), hard))
    return command.run(measure, options)


if __name__ == "__main__":
    sys.exit(main())
