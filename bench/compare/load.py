"""Runs of openai-proxy-bench and what they saw."""

import json
import subprocess

from . import processes
from .processes import Failed

BEYOND_PLAN_SECONDS_MAX = 30  # what a run may take longer than it was asked to


class Load:
    """One run, started by the constructor. `scenario` and `plan` are the command line's: a name and
    {option: value}."""

    def __init__(self, bench, session, scenario, seconds, **plan):
        folder = bench.scope.new_folder("load")
        self.bench = bench
        self.result = folder / "run.json"
        self.log = folder / "output.log"
        self.seconds_max = seconds + BEYOND_PLAN_SECONDS_MAX
        command = [bench.options.bench_binary, scenario, session.url(), "--duration",
                   f"{seconds}s", "--json", self.result, "--quiet"]
        for option, value in plan.items():
            command += [f"--{option.replace('_', '-')}", str(value)]
        for field in session.fields:
            command += ["--header", field]
        # Sent as a bearer token, whatever key is in the environment here.
        self.process = bench.scope.start(command, self.log, {"OPENAI_API_KEY": "bench"})

    def wait(self):
        """Its JSON (bench/README.md), once it has ended."""
        try:
            self.process.wait(self.seconds_max)
        except subprocess.TimeoutExpired:
            raise Failed(f"the load has not ended after {self.seconds_max:.0f} s") from None
        finally:
            self.bench.scope.end(self.process)
        try:
            return json.loads(self.result.read_text())
        except (OSError, ValueError):
            raise Failed(f"the load ended with status {self.process.returncode}: "
                         f"{processes.tail(self.log)}") from None


def run(bench, session, scenario, seconds, **plan):
    return Load(bench, session, scenario, seconds, **plan).wait()
