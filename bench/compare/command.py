"""The frame of every script that measures: the options all of them have, and how they end."""

import argparse
import signal
import subprocess
import sys
from pathlib import Path

from .processes import TROUBLE

ROOT = Path(__file__).resolve().parent.parent.parent


def path(text):
    return Path(text).resolve()


def parser(description):
    """Of a script's own text, whose first line `--help` shows; with the programs measured."""
    made = argparse.ArgumentParser(description=description.splitlines()[0])
    made.add_argument("--binary", type=path, default=ROOT / "build/openai-proxy", help="the proxy")
    made.add_argument("--bench-binary", type=path, default=ROOT / "build/openai-proxy-bench",
                      help="the load tool")
    return made


def run(measure, options):
    """What `measure(options)` returns, an exit status; trouble is said and is one too. A signal
    ends the script in order, so that everything it started is ended."""
    name = Path(sys.argv[0]).name
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        return measure(options)
    except (*TROUBLE, subprocess.CalledProcessError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{name}: interrupted, everything is ended", file=sys.stderr)
        return 128 + signal.SIGINT
