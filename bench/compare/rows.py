"""What is measured, and how: each measure fills one or more rows."""

import time
from dataclasses import dataclass

from . import contestants, load, session as sessions
from .processes import Failed
from .session import Session
from .upstream import STREAM_PATH, Upstream, closing_upstream

MIB = 1 << 20
CONNECTIONS = 32
BODY_BYTES = 64 * MIB
IDLE_CLIENTS = 1000
LATENCY_CONNECTIONS_MAX = 64
PACE_MIN = 0.95
HANDSHAKES_PER_S = 50
STALL_STREAMS, STALL_GAP_MS = 100, 20


@dataclass
class Row:
    key: str
    group: str
    name: str
    unit: str  # as in bench/README.md
    better: str  # lower or higher
    note: str = ""


@dataclass
class Seen:
    """One measurement: values by row key, how many requests of it failed, what else to know."""
    values: dict
    failed: int = 0
    remark: str = ""


@dataclass
class Measure:
    name: str  # as in --rows
    title: str
    run: object  # (bench, contestant) -> Seen
    needs: str = "chat"  # what a contestant must be able to do
    threads: int = 1
    skip: dict = None  # contestants that it makes no sense for: {name: reason}
    every_round: bool = True


ROWS = [
    Row("chat_cpu", "CPU", "CPU per chat request", "us/request", "lower",
        f"plain client, TLS upstream, {CONNECTIONS} kept connections, closed loop"),
    Row("tls_client_chat_cpu", "CPU", "CPU per chat request, TLS client", "us/request", "lower",
        f"TLS client, TLS upstream, {CONNECTIONS} kept connections, closed loop"),
    Row("stream_cpu_200", "CPU", "CPU per relayed event, 200 streams", "us/event", "lower",
        "an event every 30 ms in each stream"),
    Row("stream_cpu_1000", "CPU", "CPU per relayed event, 1,000 streams", "us/event", "lower",
        "an event every 50 ms in each stream"),
    Row("download_cpu", "CPU", "CPU per MiB down", "us/MiB", "lower", "bodies of 64 MiB"),
    Row("upload_cpu", "CPU", "CPU per MiB up", "us/MiB", "lower", "bodies of 64 MiB"),
    Row("latency_p50", "Latency and throughput", "added latency, median", "us", "lower"),
    Row("latency_p99", "Latency and throughput", "added latency, 99th percentile", "us", "lower"),
    Row("chat_rate", "Latency and throughput", "peak chat requests", "requests/s", "higher",
        f"one worker, {CONNECTIONS} connections; load and upstream share the machine"),
    Row("tls_client_chat_rate", "Latency and throughput", "peak chat requests, TLS clients",
        "requests/s", "higher", f"one worker, {CONNECTIONS} kept connections, as above"),
    Row("memory_idle", "Memory", "memory, idle", "bytes", "lower", "after the first answer"),
    Row("memory_client", "Memory", "memory per idle client", "bytes/client", "lower",
        f"{IDLE_CLIENTS:,} kept connections, each answered once"),
    Row("memory_stream", "Memory", "memory per open stream", "bytes/stream", "lower",
        "1,000 streams, upstream connections included"),
    Row("start", "Start and size", "cold start to first answer", "us", "lower",
        "from fork to the first 200"),
    Row("size", "Start and size", "program and what it needs", "bytes", "lower",
        "with its shared libraries, and node_modules where there are such"),
    Row("tls_resumed_rate", "New TLS connections", "tickets on offer", "connections/s",
        "higher", "one answer on each, then the upstream closes it"),
    Row("tls_resumed_cpu", "New TLS connections", "CPU each, tickets on offer", "us/connection",
        "lower", "the request included"),
    Row("tls_full_rate", "New TLS connections", "no tickets", "connections/s", "higher",
        "all handshakes are full"),
    Row("tls_full_cpu", "New TLS connections", "CPU each, no tickets", "us/connection", "lower",
        "the request included"),
    Row("handshake_stall", "New TLS connections", "gap added to other streams, p99", "us", "lower",
        f"{STALL_STREAMS} streams, an event every {STALL_GAP_MS} ms in each, on the worker that "
        f"makes {HANDSHAKES_PER_S} full handshakes/s; over the gaps without them"),
    Row("two_chat_cpu", "Two workers", "CPU per chat request", "us/request", "lower"),
    Row("two_chat_rate", "Two workers", "peak chat requests", "requests/s", "higher",
        "load and upstream share the machine"),
    Row("two_stream_cpu", "Two workers", "CPU per relayed event, 200 streams", "us/event", "lower"),
]


def chat(prefix, workers, clients="plain"):
    def run(bench, contestant):
        with Session(bench, contestant, workers, clients=clients) as session:
            plan = {"connections": CONNECTIONS}
            if clients == "tls":
                plan["ca_file"] = bench.upstream.ca_file
            load.run(bench, session, "chat", bench.seconds / 3, **plan)
            before = session.cpu_ns()
            seen = load.run(bench, session, "chat", bench.seconds, **plan)
            cpu_ns = session.cpu_ns() - before
        if not seen["requests"]:
            raise Failed("no request was answered")
        values = {f"{prefix}chat_rate": seen["requests_per_s"]}
        if session.contestant.find:
            values[f"{prefix}chat_cpu"] = cpu_ns / 1e3 / seen["requests"]
        return Seen(values, seen["failed"])
    return run


def stream(row, workers, streams, gap_ms, settle_seconds, memory_row=None):
    """Streams that outlast the run; measured is a window within, once all are open."""
    def run(bench, contestant):
        window_seconds = bench.seconds
        is_tls = contestant.name not in ("direct", "relay")
        seconds = settle_seconds + window_seconds
        # The upstream is told, not asked in the query: Portkey forwards none.
        options = {"gap": f"{gap_ms}ms", "tokens": int((seconds + 1) * 1e3 / gap_ms)}
        with Upstream(bench.scope, bench.options.bench_binary, bench.upstream.certificates,
                      options) as upstream, \
                Session(bench, contestant, workers, upstream) as session:
            memory = session.memory_bytes()
            running = load.Load(bench, session, "stream", seconds, connections=streams)
            time.sleep(settle_seconds)
            events, cpu_ns = sessions.upstream_events(upstream, is_tls), session.cpu_ns()
            time.sleep(window_seconds)
            cpu_ns = session.cpu_ns() - cpu_ns
            events = sessions.upstream_events(upstream, is_tls) - events
            memory = session.memory_bytes() - memory
            seen = running.wait()
        if not events or not seen["events"]:
            raise Failed("no event was relayed")
        if seen["open_streams_peak"] < streams:
            raise Failed(f"only {seen['open_streams_peak']} of {streams} streams were open")
        values = {row: cpu_ns / 1e3 / events}
        if memory_row:
            values[memory_row] = memory / streams
        pace = events / (window_seconds * streams * 1e3 / gap_ms)
        remark = f"only {pace * 100:.0f} % of the events came in time" if pace < PACE_MIN else ""
        if pace < PACE_MIN / 2:
            raise Failed(f"overloaded: {remark}")
        return Seen(values, seen["failed"], remark)
    return run


def body(row, scenario, option):
    def run(bench, contestant):
        count = max(2, round(bench.seconds))
        with Session(bench, contestant) as session:
            plan = {"connections": 1, option: BODY_BYTES}
            load.run(bench, session, scenario, 30, requests=1, **plan)
            before = session.cpu_ns()
            seen = load.run(bench, session, scenario, 30, requests=count, **plan)
            cpu_ns = session.cpu_ns() - before
        mib = (seen["bytes_in"] if scenario == "download" else seen["bytes_out"]) / MIB
        if mib < BODY_BYTES / MIB:
            raise Failed(f"{mib:.0f} MiB arrived of {count * BODY_BYTES // MIB}")
        return Seen({row: cpu_ns / 1e3 / mib}, seen["failed"])
    return run


def latency(bench, contestant):
    """Whole latencies: the report takes off what `direct` showed in the same round."""
    with Session(bench, contestant) as session:
        plan = {"connections": LATENCY_CONNECTIONS_MAX, "rate": bench.latency_rate()}
        load.run(bench, session, "chat", bench.seconds / 3, **plan)
        seen = load.run(bench, session, "chat", bench.seconds * 1.5, **plan)
    if "total" not in seen["latency_us"]:
        raise Failed("no request was answered")
    total = seen["latency_us"]["total"]
    return Seen({"latency_p50": total["p50"], "latency_p99": total["p99"]}, seen["failed"])


def memory(bench, contestant):
    with Session(bench, contestant) as session:
        idle = session.memory_bytes()
        clients = session.idle_clients(IDLE_CLIENTS)
        try:
            with_clients = session.memory_bytes()
        finally:
            sessions.close_all(clients)
    return Seen({"memory_idle": idle, "memory_client": (with_clients - idle) / IDLE_CLIENTS})


def tls(prefix, tickets):
    def run(bench, contestant):
        with closing_upstream(bench.scope, bench.upstream, bench.find("nginx"),
                              tickets) as upstream, \
                Session(bench, contestant, upstream=upstream) as session:
            load.run(bench, session, "chat", bench.seconds / 3, connections=CONNECTIONS)
            before = session.cpu_ns()
            seen = load.run(bench, session, "chat", bench.seconds * 2 / 3, connections=CONNECTIONS)
            cpu_ns = session.cpu_ns() - before
            resumed = upstream.resumed_share()
        if not seen["requests"]:
            raise Failed("no request was answered")
        remark = f"{resumed * 100:.0f} % resumed" if tickets else ""
        return Seen({f"{prefix}_rate": seen["requests_per_s"],
                     f"{prefix}_cpu": cpu_ns / 1e3 / seen["requests"]}, seen["failed"], remark)
    return run


def handshake_stall(bench, contestant):
    """Gaps between events, with and without handshakes; the same streams, one after the other."""
    def streams():
        return load.Load(bench, session, "stream", bench.seconds, connections=STALL_STREAMS,
                         path=STREAM_PATH, warmup="500ms")

    tokens = int((bench.seconds + 2) * 1e3 / STALL_GAP_MS)
    with Upstream(bench.scope, bench.options.bench_binary, bench.upstream.certificates,
                  {"gap": f"{STALL_GAP_MS}ms", "tokens": tokens}) as behind, \
            closing_upstream(bench.scope, behind, bench.find("nginx"), False) as upstream, \
            Session(bench, contestant, upstream=upstream) as session:
        calm = streams().wait()
        running = streams()
        chats = load.run(bench, session, "chat", bench.seconds + 1, connections=CONNECTIONS,
                         rate=HANDSHAKES_PER_S)
        disturbed = running.wait()
    if chats["requests"] < HANDSHAKES_PER_S * bench.seconds * PACE_MIN:
        raise Failed(f"only {chats['requests']} handshakes were made")
    p99 = [seen["latency_us"]["token_gap"]["p99"] for seen in (calm, disturbed)]
    return Seen({"handshake_stall": p99[1] - p99[0]}, chats["failed"] + disturbed["failed"])


def size(bench, contestant):
    return Seen({"size": contestants.size_bytes(bench.find(contestant.name))})


NO_PROCESS = {"direct": "no process"}
NO_TLS = NO_PROCESS | {"relay": "no TLS"}
NO_TLS_CLIENTS = NO_TLS | {"portkey": "takes no TLS clients"}

MEASURES = [
    Measure("chat", "chat requests", chat("", 1)),
    Measure("tls_clients", "chat requests of TLS clients", chat("tls_client_", 1, "tls"),
            skip=NO_TLS_CLIENTS),
    Measure("stream", "200 streams", stream("stream_cpu_200", 1, 200, 30, 1.5), "stream",
            skip=NO_PROCESS),
    Measure("stream", "1,000 streams",
            stream("stream_cpu_1000", 1, 1000, 50, 3.0, "memory_stream"), "stream",
            skip=NO_PROCESS),
    Measure("bodies", "bodies down", body("download_cpu", "download", "size"), "download",
            skip=NO_PROCESS),
    Measure("bodies", "bodies up", body("upload_cpu", "upload", "size"), "upload",
            skip=NO_PROCESS),
    Measure("latency", "latency", latency),
    Measure("memory", "memory and idle clients", memory, skip=NO_PROCESS),
    Measure("tls", "TLS connections, tickets on offer", tls("tls_resumed", True), skip=NO_TLS),
    Measure("tls", "TLS connections, no tickets", tls("tls_full", False), skip=NO_TLS),
    Measure("tls", "streams beside full handshakes", handshake_stall, "stream", skip=NO_TLS),
    Measure("workers", "chat requests, two workers", chat("two_", 2), threads=2, skip=NO_PROCESS),
    Measure("workers", "200 streams, two workers", stream("two_stream_cpu", 2, 200, 30, 1.5),
            "stream", 2, skip=NO_PROCESS),
    Measure("size", "size", size, skip=NO_PROCESS, every_round=False),
]


def row_of(key):
    return next(row for row in ROWS if row.key == key)
