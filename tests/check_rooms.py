#!/usr/bin/env python3
"""Checks who includes whom: rooms of src/ and of bench/ may only look down, and each dependency has
its one door."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROOMS = {
    "base": set(),
    "net": {"base"},
    "config": {"base"},
    "http": {"base"},
    "openai": {"base"},
    "tls": {"net", "base"},
    "observe": {"base"},
    "ledger": {"base"},
    "policy": {"openai", "http", "config", "base"},
    "fleet": {"policy", "net", "config", "base"},
    "local": {"openai", "http", "net", "base"},
    "stream": {"http", "net", "base"},
    "upstream": {"stream", "tls", "http", "observe", "net", "config", "base"},
    "proxy": {"upstream", "stream", "ledger", "policy", "local", "openai", "http", "observe", "net",
              "config", "base"},
    "client": {"proxy", "stream", "policy", "http", "observe", "net", "config", "base"},
    "deploy": {"policy", "tls", "config", "base"},
    "accept": {"client", "proxy", "local", "tls", "observe", "net", "config", "base"},
    "server": {"accept", "client", "fleet", "deploy", "ledger", "proxy", "upstream", "policy", "local", "tls", "observe",
               "ledger", "net", "config", "base"},
    "process": {"server", "ledger", "tls", "policy", "config", "net", "base"},
    "main.cc": {"process", "server", "tls", "config", "net", "base"},
}
# The load tool's own rooms, and the rooms of src/ that each of them may use.
BENCH_ROOMS = {
    "bench/base": {"http", "net", "base"},
    "bench/load": {"bench/base", "http", "tls", "net", "base"},
    "bench/page": {"bench/base", "base"},
    "bench/report": {"bench/page", "bench/load", "bench/base", "base"},
    "bench/serve": {"bench/base", "openai", "http", "tls", "net", "base"},
    "bench/main.cc": {"bench/report", "bench/load", "bench/serve", "bench/base", "tls", "base"},
}
# A dependency's headers and the only files (relative to src/, or beginning with bench/) that may
# include them.
DOORS = [
    (r"llhttp\.h", r"http/h1_engine\.h"),
    (r"(mbedtls|psa)/.*|(gcm_kernels|resuming|verify_known)\.h",
     r"tls/(.*\.cc|session\.h)"),
    (r"uv\.h", r"net/.*"),
    (r"ares\.h", r"net/name_server\.cc"),
    (r"yaml-cpp/.*", r"config/.*\.cc"),
    (r"hiredis/.*", r"fleet/redis_reply\.cc"),
    (r"sqlite3\.h", r"ledger/database\.cc"),
    (r"(zlib|zstd)\.h|brotli/.*", r"openai/body_decoder\.cc"),
    (r"nlohmann/json\.hpp", r"bench/.*\.cc"),
    (r"nlohmann/json_fwd\.hpp", r"bench/base/json\.h"),
    (r"CLI/.*",
     r"process/options\.cc|bench/(main|base/command_line|load/run_options|serve/serve_options)\.cc"),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def room_of(name):
    """The room of a file, or of an include as it is written: both begin with it."""
    parts = name.split("/")
    return "/".join(parts[:2]) if parts[0] == "bench" else parts[0]


def problems(path, name):
    """Of the file `name`, relative to src/ or beginning with bench/: (line, what is wrong)."""
    rooms = BENCH_ROOMS if name.startswith("bench/") else ROOMS
    room = room_of(name)
    if room not in rooms:
        yield 1, f"{room} is no room of the table"
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        header = match.group(1) or match.group(2)
        for pattern, place in DOORS:
            if re.fullmatch(pattern, header) and not re.fullmatch(place, name):
                yield number, f"<{header}> belongs to {place} alone"
        is_ours = any((ROOT / folder / header).is_file() for folder in ("src", "."))
        if match.group(1) is None:
            if is_ours:
                yield number, f"<{header}> is ours: it is written in quotes"
            continue
        if not is_ours or ".." in header:
            yield number, f'"{header}" is no path from src/, nor from the root'
        if room_of(header) not in rooms[room] | {room}:
            yield number, f'{room} must not include "{header}"'


def main():
    files = sorted(p for top in ("src", "bench") for p in (ROOT / top).rglob("*")
                   if p.suffix in (".h", ".cc"))
    found = 0
    for path in files:
        name = path.relative_to(ROOT).as_posix().removeprefix("src/")
        for number, text in problems(path, name):
            print(f"{path.relative_to(ROOT)}:{number}: {text}")
            found += 1
    print(f"rooms: {len(files)} files, {found} wrong includes")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
