"""Child processes: started in groups of their own, measured from /proc, ended for certain."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

END_SECONDS_MAX = 3.0  # what a process may take to end by itself


class Failed(Exception):
    """A contestant or a measurement that did not work; the text says why."""


# What a contestant that does not work makes of an attempt to use it.
TROUBLE = (Failed, OSError, ValueError, http.client.HTTPException, subprocess.TimeoutExpired)


class Scope:
    """Everything one run starts and writes. Leaving it ends and removes all of it."""

    def __init__(self):
        self.dir = Path(tempfile.mkdtemp(prefix="bench-compare-"))
        self.dir.chmod(0o755)  # workers of some contestants drop root
        self._running = []
        self._folders = 0

    def new_folder(self, name):
        """An empty folder that nobody had before."""
        self._folders += 1
        folder = self.dir / f"{name}-{self._folders}"
        folder.mkdir()
        folder.chmod(0o755)
        return folder

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in list(self._running):
            self.end(process)
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self, command, log, env=None, cwd=None, descriptors=()):
        """A process that leads a group of its own, with `descriptors` of ours; what it prints goes
        into the file `log`."""
        with open(log, "wb") as out:
            process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}, cwd=cwd,
                start_new_session=True, pass_fds=descriptors)
        self._running.append(process)
        return process

    def end(self, process):
        """Ends the group: asked first, then made to."""
        for wanted in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, wanted)
                process.wait(END_SECONDS_MAX)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        process.wait(END_SECONDS_MAX)
        if process in self._running:
            self._running.remove(process)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tail(log, lines=3):
    """The end of a log file as one line, for messages."""
    try:
        text = Path(log).read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return " | ".join(line.strip()[:200] for line in text[-lines:])


def wait_until_listening(process, port, log, seconds=10.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise Failed(f"ended at start with status {process.returncode}: {tail(log)}")
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        except OSError:
            time.sleep(0.002)
    raise Failed(f"does not listen after {seconds:.0f} s: {tail(log)}")


def tree(root_pid):
    """`root_pid` and all its descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = Path(f"/proc/{entry}/stat").read_text()
        except OSError:
            continue  # gone meanwhile
        parent = int(stat[stat.rindex(")") + 2:].split()[1])
        children.setdefault(parent, []).append(int(entry))
    pids, todo = [], [root_pid]
    while todo:
        pid = todo.pop()
        pids.append(pid)
        todo.extend(children.get(pid, []))
    return pids


def cpu_ns(pids):
    """CPU time, user and system, of all threads of the processes, also of those that have ended."""
    total = 0
    for pid in pids:
        try:
            # What clock_getcpuclockid(3) makes of a process: the scheduler's own count.
            total += time.clock_gettime_ns((~pid << 3) | 2)
        except OSError:
            continue  # gone meanwhile
    return total


def memory_bytes(pids):
    """Proportional set size: resident memory, a page shared by two processes counted once."""
    total = 0
    for pid in pids:
        try:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        except OSError:
            continue
    return total
