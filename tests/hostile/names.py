#!/usr/bin/env python3
"""Name servers that are silent, slow, wrong or moved, and names that move:
    names.py PROXY_BINARY
Runs in network and mount namespaces of its own (root, or a kernel that lets users have them), with
name servers and upstreams of its own on their loopback. Takes about half a minute."""
import http.client
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

ALONE = "OPENAI_PROXY_NAMES_FOLDER"
A, AAAA = 1, 28


def enter_namespaces():
    """Runs this script again where it may listen on port 53 and write /etc."""
    folder = tempfile.mkdtemp(prefix="openai-proxy-names-")
    for name, text in (("resolv.conf", "nameserver 127.0.0.1\n"), ("hosts", "127.0.0.1 localhost\n")):
        pathlib.Path(folder, name).write_text(text, encoding="ascii")
    user = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
    script = (f"mount --bind {folder}/resolv.conf /etc/resolv.conf && "
              f"mount --bind {folder}/hosts /etc/hosts && exec \"$@\"")
    os.environ[ALONE] = folder
    os.execvp("unshare", ["unshare", *user, "--net", "--mount", "sh", "-c", script, "sh",
                          sys.executable, *sys.argv])


def set_loopback_up():
    """What `ip link set lo up` does."""
    import fcntl
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh", b"lo", 0x1 | 0x40)  # IFF_UP, IFF_RUNNING
        fcntl.ioctl(any_socket, 0x8914, request)  # SIOCSIFFLAGS


class NameServer:
    """Answers from `names`: an address, several, "silent" or "servfail"; others do not exist."""

    def __init__(self, host="127.0.0.1", silent=False):
        self.names, self.silent, self.only_tcp, self.silent_types = {}, silent, False, set()
        self.asked = 0
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((host, 53))
        self.tcp = socket.create_server((host, 53))
        threading.Thread(target=self.serve_udp, daemon=True).start()
        threading.Thread(target=self.serve_tcp, daemon=True).start()

    def serve_udp(self):
        while True:
            query, address = self.udp.recvfrom(4096)
            answer = self.answer(query, truncated=self.only_tcp)
            if answer:
                self.udp.sendto(answer, address)

    def serve_tcp(self):
        while True:
            connection, _ = self.tcp.accept()
            with connection:
                size = connection.recv(2)
                if len(size) == 2:
                    answer = self.answer(connection.recv(struct.unpack(">H", size)[0]))
                    connection.sendall(struct.pack(">H", len(answer)) + answer)

    def answer(self, query, truncated=False):
        self.asked += 1
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        kind = struct.unpack(">H", query[at + 1:at + 3])[0]
        known = self.names.get(".".join(labels).lower())
        if self.silent or known == "silent" or kind in self.silent_types:
            return None
        code = {None: 3, "servfail": 2}.get(known, 0) if not isinstance(known, list) else 0
        records = []
        if code == 0 and not truncated:
            for address in known if isinstance(known, list) else [known]:
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                if kind != (AAAA if family == socket.AF_INET6 else A):
                    continue
                data = socket.inet_pton(family, address)
                records.append(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, len(data)) + data)
        flags = 0x8180 | code | (0x0200 if truncated else 0)
        return (query[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0) +
                query[12:at + 5] + b"".join(records))


class Upstream:
    """Says its name to every request, over connections that are kept."""

    def __init__(self, says, host, port=0):
        self.says = says.encode()
        self.socket = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else
                                           socket.AF_INET, backlog=64)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        data = b""
        while True:
            while b"\r\n\r\n" not in data:
                more = connection.recv(65536)
                if not more:
                    return
                data += more
            data = data.split(b"\r\n\r\n", 1)[1]
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(self.says) +
                               self.says)


class Proxy:
    def __init__(self, binary, upstreams, workers=2):
        self.file = tempfile.NamedTemporaryFile("w", suffix=".yaml")
        routes = "".join(f"  - {{path: /{name}, upstream: {name}}}\n" for name in upstreams)
        urls = "".join(f"  {name}: {{url: \"{url}\"}}\n" for name, url in upstreams.items())
        self.file.write(f"listen: 127.0.0.1:0\nworkers: {workers}\nadmin: {{listen: off}}\n"
                        f"log: {{access: off}}\nupstreams:\n{urls}routes:\n{routes}")
        self.file.flush()
        self.run = subprocess.Popen([binary, "--config", self.file.name], stderr=subprocess.PIPE,
                                    text=True)
        self.log = ""
        while "listening on 127.0.0.1:" not in self.log:
            line = self.run.stderr.readline()
            if not line:
                sys.exit("names.py: the proxy did not start:\n" + self.log)
            self.log += line
        self.port = int(self.log.split("listening on 127.0.0.1:")[1].split()[0])
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.run.stderr:
            self.log += line

    def ask(self, path):
        """Status, body, seconds."""
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode(), time.monotonic() - began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.run.terminate()
        self.run.wait(20)


failed = 0


def judge(what, is_right, seen):
    global failed
    failed += not is_right
    print(f"{'right' if is_right else 'WRONG'}: {what}: {seen}", flush=True)


def main():
    binary = os.path.abspath(sys.argv[1])
    folder = pathlib.Path(os.environ[ALONE])
    set_loopback_up()
    server = NameServer()
    here = Upstream("here", "127.0.0.1")
    url = f"http://%s:{here.port}"

    server.names = {"good.test": "127.0.0.1", "dead.test": "silent", "wrong.test": "servfail"}
    with Proxy(binary, {"dead": url % "dead.test", "good": url % "good.test",
                        "none": url % "none.test", "wrong": url % "wrong.test"}) as proxy:
        waiting = [threading.Thread(target=proxy.ask, args=("/dead",)) for _ in range(8)]
        for thread in waiting:
            thread.start()
        time.sleep(0.2)
        seen = [proxy.ask("/good") for _ in range(4)]
        judge("a silent name holds up no other",
              all(status == 200 and seconds < 1 for status, _, seconds in seen), seen)
        seen = [proxy.ask("/none"), proxy.ask("/wrong")]
        judge("a name that does not exist or fails: 502 that names it as the cause",
              all(status == 502 and "resolve" in body for status, body, _ in seen), seen)
        began = time.monotonic()
        for thread in waiting:
            thread.join()
        judge("a silent name is given up within timeouts.connect", time.monotonic() - began < 6,
              f"{time.monotonic() - began:.1f} s")
        judge("the log says so", "cannot connect" in proxy.log, proxy.log.splitlines()[-1])

    server.names = {"api.test": ["127.0.0.1"], "sub.search.test": "127.0.0.1"}
    server.silent_types = {AAAA}
    with Proxy(binary, {"api": url % "api.test"}) as proxy:
        seen = proxy.ask("/api")
        judge("silence about IPv6 costs a fraction of a second", seen[0] == 200 and seen[2] < 1, seen)
    server.silent_types = set()

    server.only_tcp = True
    with Proxy(binary, {"api": url % "api.test"}) as proxy:
        seen = proxy.ask("/api")
        judge("an answer too long for a datagram is fetched by TCP", seen[0] == 200, seen)
    server.only_tcp = False

    there = Upstream("there", "127.0.0.2", here.port)
    with Proxy(binary, {"api": url % "api.test"}) as proxy:
        before = proxy.ask("/api")
        server.names["api.test"] = ["127.0.0.2"]
        began, after = time.monotonic(), before
        while after[1] != "there" and time.monotonic() - began < 20:
            time.sleep(0.2)
            after = proxy.ask("/api")
        judge("a name that moves is followed while its connections are in use",
              before[1] == "here" and after[1] == "there", f"after {time.monotonic() - began:.1f} s")
        server.names["api.test"] = "servfail"
        time.sleep(6)
        seen = proxy.ask("/api")
        time.sleep(0.5)
        judge("while the name fails, the addresses known go on", seen[1] == "there", seen)
        judge("which is said once", proxy.log.count("can no longer be looked up") == 1,
              proxy.log.splitlines()[-1])

    silent = NameServer("127.0.0.9", silent=True)
    server.names = {"api.test": ["127.0.0.1"], "sub.search.test": "127.0.0.1"}
    (folder / "resolv.conf").write_text("nameserver 127.0.0.9\nnameserver 127.0.0.1\n")
    with Proxy(binary, {"api": url % "api.test", "sub": url % "sub"}, workers=4) as proxy:
        first = proxy.ask("/api")
        later = [proxy.ask("/api") for _ in range(8)]
        judge("the first name server is silent: one request waits for the second",
              first[0] == 200 and first[2] < 3 and all(s == 200 and t < 0.5 for s, _, t in later),
              f"{first[2]:.2f} s, then {max(t for _, _, t in later):.2f} s at most")
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\nsearch search.test\n")
        time.sleep(1.2)
        seen = proxy.ask("/sub")
        judge("a resolv.conf that changes is read again, with its search list", seen[0] == 200, seen)

    with Proxy(binary, {"api": url % "in-hosts"}) as proxy:
        before = proxy.ask("/api")
        (folder / "hosts").write_text("127.0.0.1 localhost\n127.0.0.2 in-hosts\n")
        time.sleep(1.2)
        after = proxy.ask("/api")
        judge("a hosts file that changes is read again", (before[0], after[1]) == (502, "there"),
              (before[0], after[1]))

    six = Upstream("six", "::1")
    server.names["six.test"] = "::1"
    with Proxy(binary, {"api": f"http://six.test:{six.port}",
                        "local": f"http://localhost:{here.port}"}) as proxy:
        seen = proxy.ask("/api"), proxy.ask("/local")
        judge("a name with IPv6 alone, and localhost", (seen[0][1], seen[1][1]) == ("six", "here"),
              seen)
    del silent, there
    if failed:
        sys.exit(f"names.py: {failed} wrong")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main() if ALONE in os.environ else enter_namespaces()
