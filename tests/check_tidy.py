#!/usr/bin/env python3
"""Runs clang-tidy over src/ and bench/ in parallel and remembers, in the build folder, what was clean.

usage: check_tidy.py BUILD_FOLDER [-j JOBS]. A file is checked again only when it, one of our headers
it includes, .clang-tidy or its compile command has changed.
"""
import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = (ROOT / "src", ROOT / "bench")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def closure(path, seen):
    """The file and all of our headers below it."""
    if path in seen or not path.is_file():
        return
    seen.add(path)
    for header in INCLUDE.findall(path.read_text(encoding="utf-8")):
        closure(ROOT / "src" / header, seen)
        closure(ROOT / header, seen)


def key(entry, version):
    digest = hashlib.sha256((version + entry["command"]).encode())
    digest.update((ROOT / ".clang-tidy").read_bytes())
    files = set()
    closure(pathlib.Path(entry["file"]), files)
    for path in sorted(files):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def tidy(build, entry):
    # The compile commands are g++'s: clang does not know all of its warnings.
    command = ["clang-tidy", "--quiet", "--extra-arg=-Wno-unknown-warning-option", "-p", str(build),
               entry["file"]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + ("" if done.returncode == 0 else done.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("-j", type=int, default=2)
    arguments = parser.parse_args()
    entries = json.loads((arguments.build / "compile_commands.json").read_text())
    entries = [e for e in entries
               if any(source in pathlib.Path(e["file"]).parents for source in SOURCES)]
    cache = arguments.build / "tidy"
    cache.mkdir(exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True,
                             check=True).stdout
    stamps = {e["file"]: cache / key(e, version) for e in entries}
    todo = [e for e in entries if not stamps[e["file"]].exists()]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
        for entry, (code, text) in zip(todo, pool.map(lambda e: tidy(arguments.build, e), todo)):
            if code == 0:
                stamps[entry["file"]].touch()
            else:
                failed += 1
                print(text.strip())
    for stamp in set(cache.iterdir()) - set(stamps.values()):
        stamp.unlink()
    print(f"tidy: {len(entries)} files, {len(todo)} checked now, {failed} with findings")
    return 1 if failed or not entries else 0


if __name__ == "__main__":
    sys.exit(main())
