#!/usr/bin/env python3
"""Runs clang-tidy over src/ and bench/ in parallel; the build folder remembers what was clean.

usage: check_tidy.py BUILD_FOLDER [-j JOBS] [--change]. A file is checked again only when it, one of
our headers it includes, .clang-tidy or its compile command has changed. --change looks only at what
this branch changed: since it left origin/main, or in its last commit where it is origin/main itself.
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
CHANGE_FILES_MAX = 40  # keeps a run under four minutes on two cores
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


def git(*arguments):
    """What git prints, stripped; None where it fails, as where there is no such commit."""
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True,
                          check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def change_base():
    """The commit this branch began at; None where the repository does not reach back so far."""
    head = git("rev-parse", "--verify", "--quiet", "HEAD")
    base = git("merge-base", "origin/main", "HEAD")
    if base and base != head:
        return base
    return git("rev-parse", "--verify", "--quiet", "HEAD~1")


def changed_files(base):
    """Our sources and headers that differ from `base` and still exist, committed or not."""
    names = git("diff", "--name-only", "--diff-filter=d", "-z", base, "--")
    new = git("ls-files", "--others", "--exclude-standard", "-z")
    paths = {ROOT / name for name in (names + "\0" + new).split("\0") if name}
    return sorted(path for path in paths if path.suffix in (".cc", ".h")
                  and any(source in path.parents for source in SOURCES))


def entries_of_change(entries, changed):
    """The entries that show the changed files. clang-tidy sees a header only through a source that
    includes it: its own one, else one of its room, unless one already taken does."""
    closures = {}
    for entry in entries:
        path = pathlib.Path(entry["file"])
        closures[path] = set()
        closure(path, closures[path])
    taken = [path for path in changed if path in closures]
    shown = set().union(*(closures[path] for path in taken))
    for header in changed:
        if header.suffix != ".h" or header in shown:
            continue
        including = [path for path in closures if header in closures[path]]
        if not including:
            print(f"tidy: {header.relative_to(ROOT)} is included by no source file: not checked")
            continue
        including.sort(key=lambda path: (path != header.with_suffix(".cc"),
                                         path.parent != header.parent, path))
        taken.append(including[0])
        shown |= closures[taken[-1]]
    return [entry for entry in entries if pathlib.Path(entry["file"]) in taken]


def tidy(build, entry):
    # The compile commands are g++'s: clang does not know all of its warnings.
    command = ["clang-tidy", "--quiet", "--extra-arg=-Wno-unknown-warning-option", "-p", str(build),
               entry["file"]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + ("" if done.returncode == 0 else done.stderr)


def check(arguments, entries, todo, stamps):
    """Prints what is found, and returns in how many files."""
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
        for entry, (code, text) in zip(todo, pool.map(lambda e: tidy(arguments.build, e), todo)):
            if code == 0:
                stamps[entry["file"]].touch()
            else:
                failed += 1
                print(text.strip())
    print(f"tidy: {len(entries)} files, {len(todo)} checked now, {failed} with findings")
    return failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("-j", type=int, default=2)
    parser.add_argument("--change", action="store_true")
    arguments = parser.parse_args()
    entries = json.loads((arguments.build / "compile_commands.json").read_text())
    entries = [e for e in entries
               if any(source in pathlib.Path(e["file"]).parents for source in SOURCES)]
    if not entries:
        print(f"tidy: {arguments.build}/compile_commands.json names no file of ours")
        return 1
    cache = arguments.build / "tidy"
    cache.mkdir(exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True,
                             check=True).stdout
    stamps = {e["file"]: cache / key(e, version) for e in entries}
    for stamp in set(cache.iterdir()) - set(stamps.values()):
        stamp.unlink()
    if arguments.change:
        base = change_base()
        if base is None:
            print("tidy: no earlier commit to compare with (a shallow clone?): nothing is checked")
            return 0
        changed = changed_files(base)
        entries = entries_of_change(entries, changed)
        print(f"tidy: {len(changed)} files changed in src/ and bench/ since {base[:10]}, "
              f"seen through {len(entries)} source files")
    todo = [e for e in entries if not stamps[e["file"]].exists()]
    if arguments.change and len(todo) > CHANGE_FILES_MAX:
        left = [str(pathlib.Path(e["file"]).relative_to(ROOT)) for e in todo[CHANGE_FILES_MAX:]]
        print(f"tidy: {len(left)} of them are left to `make check-tidy`: {', '.join(left)}")
        todo = todo[:CHANGE_FILES_MAX]
    return 1 if check(arguments, entries, todo, stamps) else 0


if __name__ == "__main__":
    sys.exit(main())
