#!/usr/bin/env python3
"""Measures openai-proxy side by side with its rivals: bench/README.md, "Method".

`make bench-compare` builds what it needs and calls it. Everything is started here, on loopback, and
ended here, also after Ctrl-C.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

from compare import command, contestants, processes, report, rows, session, upstream
from compare.processes import TROUBLE, Failed

FILES_MIN = 12_000  # descriptors; 1,000 streams with both their sides, several times over
LATENCY_SHARE = 0.2  # of the slowest serious contestant's peak
LATENCY_RATE_DEFAULT = 400
SECONDS, SECONDS_QUICK = 3.0, 1.5
ROUNDS, ROUNDS_QUICK = 3, 1


class Bench:
    """What every measurement needs."""

    def __init__(self, options, scope):
        self.options = options
        self.scope = scope
        self.seconds = options.seconds
        self.installed = {}
        self.versions = {}
        self.unable = {}  # contestant -> {kind: reason}
        self.missing = {}
        self.starts = {}  # contestant -> seconds of each start with one worker
        self.results = report.Results()
        self.upstream = upstream.Upstream(scope, options.bench_binary)

    def find(self, name):
        """Where a contestant's program is; the first call may fetch it."""
        if name not in self.installed:
            one = contestant_of(name)
            self.installed[name] = one.find(self.options.cache, self.options)
        return self.installed[name]

    def latency_rate(self):
        """Requests a second, the same for all and far below everybody's peak."""
        if self.options.rate:
            return self.options.rate
        peaks = [min(values.values()) for name, values in self.results.values["chat_rate"].items()
                 if not contestant_of(name).slow]
        self.options.rate = int(min(peaks) * LATENCY_SHARE) if peaks else LATENCY_RATE_DEFAULT
        return self.options.rate


def contestant_of(name):
    return next(one for one in contestants.CONTESTANTS if one.name == name)


def list_of(names):
    def parse(text):
        chosen = text.split(",")
        unknown = [name for name in chosen if name not in names]
        if unknown:
            raise argparse.ArgumentTypeError(
                f"{', '.join(unknown)}: expected some of {','.join(names)}")
        return chosen
    return parse


def parse_options():
    names = [one.name for one in contestants.CONTESTANTS]
    row_names = list(dict.fromkeys([measure.name for measure in rows.MEASURES] + ["start"]))
    parser = command.parser(__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, about five minutes")
    parser.add_argument("--only", type=list_of(names), default=names, metavar="NAMES",
                        help=f"some of {','.join(names)}; ours always takes part")
    parser.add_argument("--rows", type=list_of(row_names), default=row_names, metavar="ROWS",
                        help=f"some of {','.join(row_names)}")
    parser.add_argument("--rounds", type=int, help=f"default {ROUNDS}")
    parser.add_argument("--seconds", type=float, help=f"of one measurement, default {SECONDS}")
    parser.add_argument("--rate", type=int, default=0, help="requests a second of the latency row")
    parser.add_argument("--minutes-max", type=float, default=25.0,
                        help="no round is begun that would not end in this time")
    parser.add_argument("--output", type=command.path, default=command.ROOT / "build/bench-compare",
                        help="results go to OUTPUT.txt, .json and .html")
    parser.add_argument("--cache", type=command.path, help="where rivals are unpacked",
                        default=Path(os.environ.get("OPENAI_PROXY_CACHE") or
                                     command.ROOT / "third_party/.cache").resolve() / "rivals")
    options = parser.parse_args()
    options.rounds = options.rounds or (ROUNDS_QUICK if options.quick else ROUNDS)
    options.seconds = options.seconds or (SECONDS_QUICK if options.quick else SECONDS)
    options.only = options.only + ["ours"] + (["direct"] if "latency" in options.rows else [])
    return options


def prepare_machine(options):
    """Says what is wrong before anything is started."""
    if not os.access(options.bench_binary, os.X_OK):
        raise Failed(f"no load tool at {options.bench_binary}: run `make bench-compare`")
    if not shutil.which("openssl"):
        raise Failed("needs openssl: apt-get install openssl")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES_MIN:
        raise Failed(f"may open {hard} descriptors, needs {FILES_MIN}: raise `ulimit -Hn`")
    wanted = min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def say(text):
    print(text, flush=True)


def find_and_check(bench):
    """Who takes part. Whoever cannot be had, or answers wrongly, is missing with a reason."""
    taking_part = []
    for one in contestants.CONTESTANTS:
        if one.name not in bench.options.only:
            continue
        try:
            if one.find:
                bench.versions[one.name] = contestants.version(one, bench.find(one.name))
            with session.Session(bench, one) as running:
                bench.unable[one.name], remark = session.check(running)
        except TROUBLE as error:
            bench.missing[one.name] = str(error)
            say(f"  {one.title}: MISSING: {error}")
            continue
        cannot = "".join(f"; {kind} FAILS: {why}" for kind, why in bench.unable[one.name].items())
        say(f"  {one.title} {bench.versions.get(one.name, '')}: works"
            f"{'; ' + remark if remark else ''}{cannot}")
        taking_part.append(one)
    if not any(one.name == "ours" for one in taking_part):
        raise Failed(f"openai-proxy does not work: {bench.missing['ours']}")
    return taking_part


def why_not(bench, measure, one):
    """Why a contestant has no part in a measure, "" where it has."""
    if one.name in (measure.skip or {}):
        return measure.skip[one.name]
    if measure.threads > one.threads_max:
        return "has one thread only"
    return bench.unable[one.name].get(measure.needs, "")


def measure_one(bench, measure, one, round_number, progress):
    reason = why_not(bench, measure, one)
    if reason:
        if one.role != "baseline":
            bench.results.add_problem(measure.title, one.name, reason)
        return
    started = time.monotonic()
    try:
        seen = measure.run(bench, one)
    except TROUBLE as error:
        bench.results.add_problem(measure.title, one.name, str(error))
        say(f"{progress} {measure.title}, {one.title}: FAILED: {error}")
        return
    bench.results.add(one.name, round_number, seen)
    figures = ", ".join(
        report.quantity(value, rows.row_of(key).unit) for key, value in seen.values.items())
    say(f"{progress} {measure.title}, {one.title}: {figures}"
        f"{', ' + seen.remark if seen.remark else ''}"
        f"{f', {seen.failed} requests FAILED' if seen.failed else ''}"
        f" ({time.monotonic() - started:.0f} s)")


def run_rounds(bench, taking_part):
    """All rounds that fit into the time; returns how many did."""
    options = bench.options
    began = time.monotonic()
    for done in range(options.rounds):
        spent = time.monotonic() - began
        if done and spent * (done + 1) / done > options.minutes_max * 60:
            say(f"only {done} of {options.rounds} rounds fit into {options.minutes_max:.0f} min")
            return done
        shift = done * len(taking_part) // options.rounds
        order = taking_part[shift:] + taking_part[:shift]
        for measure in rows.MEASURES:
            if measure.name not in options.rows or (done and not measure.every_round):
                continue
            for one in order:
                progress = f"[{done + 1}/{options.rounds} {time.monotonic() - began:4.0f} s]"
                measure_one(bench, measure, one, done, progress)
    return options.rounds


def write_results(bench, taking_part, rounds):
    options = bench.options
    notes = {}
    if "start" in options.rows:
        for name, seconds in bench.starts.items():
            bench.results.values["start"][name] = {
                number: value * 1e6 for number, value in enumerate(seconds)}
    for key, direct_us in bench.results.subtract_direct(("latency_p50", "latency_p99")):
        if direct_us is not None:
            notes[key] = (f"{options.rate} requests/s for all, on top of direct's "
                          f"{report.quantity(direct_us, 'us')}")
    bench.results.explain_direct(rows.ROWS)
    data = report.comparison(bench.results, taking_part, bench.versions, bench.missing, rounds,
                             notes)
    output = Path(options.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    text = report.text(data)
    Path(f"{output}.json").write_text(json.dumps(data, indent=1) + "\n")
    Path(f"{output}.txt").write_text(text)
    print("\n" + text)
    made = subprocess.run([options.bench_binary, "page", f"{output}.json", "--output",
                           f"{output}.html"], capture_output=True, text=True,
                          timeout=60)
    if made.returncode != 0:
        raise Failed(f"the page could not be made: {made.stderr.strip()}")
    say(f"written: {output}.txt, .json and .html")


def measure(options):
    prepare_machine(options)
    with processes.Scope() as scope:
        bench = Bench(options, scope)
        say("Contestants:")
        taking_part = find_and_check(bench)
        bench.starts.clear()
        rounds = run_rounds(bench, taking_part)
        write_results(bench, taking_part, rounds)
    return 0


if __name__ == "__main__":
    sys.exit(command.run(measure, parse_options()))
