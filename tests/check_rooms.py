#!/usr/bin/env python3
"""Checks who includes whom: rooms of src/ may only look down, and each dependency has its one door."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROOMS = {
    "base": set(),
    "net": {"base"},
    "config": {"base"},
    "http": {"base"},
    "tls": {"net", "base"},
    "observe": {"base"},
    "policy": {"http", "config", "base"},
    "local": {"http", "net", "base"},
    "stream": {"http", "net", "base"},
    "upstream": {"stream", "tls", "http", "observe", "net", "config", "base"},
    "proxy": {"upstream", "stream", "policy", "local", "http", "observe", "net", "config", "base"},
    "client": {"proxy", "stream", "policy", "http", "observe", "net", "config", "base"},
    "deploy": {"tls", "config", "base"},
    "accept": {"client", "proxy", "local", "tls", "net", "config", "base"},
    "server": {"accept", "client", "deploy", "proxy", "upstream", "local", "tls", "observe", "net",
               "config", "base"},
    "process": {"server", "config", "net", "base"},
    "main.cc": {"process", "server", "tls", "config", "net", "base"},
}
# A dependency's headers and the only files (relative to src/) that may include them.
DOORS = [
    (r"llhttp\.h", r"http/h1_parser\.(h|cc)"),
    (r"(mbedtls|psa)/.*|(gcm_kernels|resuming|verify_known)\.h", r"tls/.*"),
    (r"uv\.h", r"net/.*"),
    (r"ares\.h", r"net/name_channel\.cc"),
    (r"yaml-cpp/.*", r"config/.*\.cc"),
    (r"CLI/.*", r"main\.cc"),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def problems(path, name):
    room = name.split("/")[0]
    if room not in ROOMS:
        yield 1, f"{room} is no room of the table"
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        header = match.group(1) or match.group(2)
        for pattern, place in DOORS:
            if re.fullmatch(pattern, header) and not re.fullmatch(place, name):
                yield number, f"<{header}> belongs to src/{place} alone"
        if match.group(1) is None:
            continue
        if not (ROOT / "src" / header).is_file():
            yield number, f'"{header}" is not a path from src/'
        target = header.split("/")[0]
        if target != room and target not in ROOMS[room]:
            yield number, f'{room} must not include "{header}"'


def main():
    files = sorted(p for p in (ROOT / "src").rglob("*") if p.suffix in (".h", ".cc"))
    found = 0
    for path in files:
        for number, text in problems(path, path.relative_to(ROOT / "src").as_posix()):
            print(f"{path.relative_to(ROOT)}:{number}: {text}")
            found += 1
    print(f"rooms: {len(files)} files, {found} wrong includes")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
