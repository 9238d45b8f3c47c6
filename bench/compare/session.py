"""One contestant, running: started afresh for each measurement, spoken to, measured, ended."""

import getpass
import http.client
import json
import socket
import ssl
import time
from hashlib import sha256

from . import contestants, processes
from .processes import Failed

START_SECONDS_MAX = 15.0
ANSWER_SECONDS_MAX = 10.0
CHAT = json.dumps({"model": "gpt-bench", "messages": [{"role": "user", "content": "x" * 400}]})
STREAM = json.dumps({"model": "gpt-bench", "stream": True,
                     "messages": [{"role": "user", "content": "x" * 400}]})


class Session:
    """A context manager. `upstream` stands behind it instead of the run's own; the raw relay and
    `direct` use its plain port, all others its TLS port. `clients` speak "plain" HTTP to it, or
    "tls"."""

    def __init__(self, bench, contestant, workers=1, upstream=None, clients="plain"):
        self.bench = bench
        self.contestant = contestant
        self.process = None
        upstream = upstream or bench.upstream
        self.port = getattr(upstream, "plain_port", None)
        self.values = {"workers": workers, "files": contestants.files_max(),
                       "upstream_port": upstream.tls_port, "upstream_plain_port": self.port,
                       "ca_file": bench.upstream.ca_file, "user": getpass.getuser(),
                       "clients": clients, "certificates": bench.upstream.certificates}
        self.fields = [contestants.fill(field, self.values) for field in contestant.fields]

    def __enter__(self):
        if self.contestant.find:
            self._start()
        return self

    def __exit__(self, *_):
        if self.process:
            self.bench.scope.end(self.process)
            self.process = None

    def _start(self):
        contestant = self.contestant
        folder = self.bench.scope.new_folder(contestant.name)
        self.port = processes.free_port()
        self.values |= {"dir": folder, "port": self.port}
        configuration = contestants.prepare(contestant, self.values)
        installed = self.bench.find(contestant.name)
        environment = installed.environment() | {"HOME": str(folder), "XDG_DATA_HOME": str(folder)}
        for name, text in contestant.environment.items():
            environment[name] = contestants.fill(text, self.values)
        self.log = folder / "output.log"
        started = time.monotonic()
        self.process = self.bench.scope.start(
            contestant.command(installed, configuration, self.values), self.log, environment,
            folder)
        try:
            self._wait_for_answer(started)
        except BaseException:
            self.__exit__()
            raise

    def _wait_for_answer(self, started):
        reason = "no answer"
        while time.monotonic() < started + START_SECONDS_MAX:
            if self.process.poll() is not None:
                raise Failed(f"ended at start with status {self.process.returncode}: "
                             f"{processes.tail(self.log)}")
            try:
                status, _, _ = self.request("POST", "/v1/chat/completions", CHAT)
                if status == 200:
                    if self.values["workers"] == 1 and self.values["clients"] == "plain":
                        starts = self.bench.starts.setdefault(self.contestant.name, [])
                        starts.append(time.monotonic() - started)
                    return
                reason = f"answers {status}"
            except (OSError, http.client.HTTPException) as error:
                reason = str(error)
            time.sleep(0.001)
        raise Failed(f"not ready after {START_SECONDS_MAX:.0f} s: {reason}; "
                     f"{processes.tail(self.log)}")

    def headers(self, content_type="application/json"):
        pairs = dict(field.split(": ", 1) for field in self.fields)
        return pairs | {"Content-Type": content_type, "Authorization": "Bearer bench"}

    def request(self, method, path, body=None, content_type="application/json"):
        """One request on a connection of its own: (status, fields, body)."""
        connection = self._connection()
        try:
            connection.request(method, path, body, self.headers(content_type))
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def _connection(self):
        if self.values["clients"] == "plain":
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS_MAX)
        return tls_connection(self.port, self.values["ca_file"])

    def idle_clients(self, count):
        """`count` connections, each answered once and then left open."""
        head = "".join(f"{name}: {value}\r\n" for name, value in self.headers().items())
        message = (f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n{head}"
                   f"Content-Length: {len(CHAT)}\r\n\r\n{CHAT}").encode()
        clients = []
        try:
            for _ in range(count):
                client = socket.create_connection(("127.0.0.1", self.port), ANSWER_SECONDS_MAX)
                clients.append(client)
                client.sendall(message)
                response = http.client.HTTPResponse(client)
                response.begin()
                response.read()
                if response.status != 200 or response.will_close:
                    raise Failed("does not keep idle clients")
        except BaseException:
            close_all(clients)
            raise
        return clients

    def pids(self):
        return processes.tree(self.process.pid) if self.process else []

    def cpu_ns(self):
        return processes.cpu_ns(self.pids())

    def memory_bytes(self):
        return processes.memory_bytes(self.pids())

    def url(self):
        if self.values["clients"] == "plain":
            return f"http://127.0.0.1:{self.port}"
        return f"https://localhost:{self.port}"


def tls_connection(port, ca_file):
    return http.client.HTTPSConnection("localhost", port, timeout=ANSWER_SECONDS_MAX,
                                       context=ssl.create_default_context(cafile=str(ca_file)))


def close_all(clients):
    for client in clients:
        client.close()


def upstream_events(upstream, is_tls):
    """How many events the upstream has sent, asked for past the contestant."""
    if is_tls:
        connection = tls_connection(upstream.tls_port, upstream.ca_file)
    else:
        connection = http.client.HTTPConnection("localhost", upstream.plain_port,
                                                timeout=ANSWER_SECONDS_MAX)
    try:
        connection.request("GET", "/bench/counts")
        return json.loads(connection.getresponse().read())["events"]
    finally:
        connection.close()


EVENTS_CHECKED = 101  # what the upstream sends unless told otherwise, [DONE] included
BODY_BYTES_CHECKED = 1 << 20


def check_chat(session):
    status, fields, body = session.request("POST", "/v1/chat/completions", CHAT)
    if status != 200:
        raise Failed(f"chat is answered with {status}")
    if "choices" not in json.loads(body):
        raise Failed("the reply to a chat is not the upstream's")
    allowed = fields.get("Access-Control-Allow-Origin")
    return "" if allowed == "*" else "sends no Access-Control-Allow-Origin"


def check_stream(session):
    status, _, body = session.request("POST", "/v1/chat/completions", STREAM)
    events = body.count(b"data: ")
    if status != 200 or not body.rstrip().endswith(b"data: [DONE]"):
        raise Failed(f"a stream is answered with {status} and ends {body[-40:]!r}")
    if events != EVENTS_CHECKED:
        raise Failed(f"a stream of {EVENTS_CHECKED} events arrives with {events}")


def check_download(session):
    status, _, body = session.request("GET", f"/bench/bytes/{BODY_BYTES_CHECKED}")
    if status != 200 or len(body) != BODY_BYTES_CHECKED:
        raise Failed(f"a download is answered with {status} and {len(body)} bytes")


def check_upload(session):
    part = ('--part\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
            + "u" * BODY_BYTES_CHECKED + "\r\n--part--\r\n")
    status, _, body = session.request("POST", "/v1/files", part,
                                      "multipart/form-data; boundary=part")
    if status != 200 or json.loads(body).get("sha256") != sha256(part.encode()).hexdigest():
        raise Failed(f"an upload is answered with {status}: {body[:80]!r}")


ATTEMPTS = 3


def check(session):
    """What the contestant cannot do, by kind, and remarks: ({kind: reason}, text)."""
    unable = {}
    remarks = [check_chat(session)]
    for kind, attempt in (("stream", check_stream), ("download", check_download),
                          ("upload", check_upload)):
        for _ in range(ATTEMPTS):
            try:
                attempt(session)
                if kind in unable:
                    remarks.append(f"failed before it worked: {unable.pop(kind)}")
                break
            except processes.TROUBLE as error:
                unable[kind] = str(error)
    return unable, "; ".join(remark for remark in remarks if remark)
