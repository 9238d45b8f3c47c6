"""The clients of a fault run: ask by script.py, and tell whole right answers, clear errors and
wrong answers apart."""

import asyncio
import collections

import script

ANSWER_SECONDS_MAX = 30.0


class Cut(Exception):
    """The connection ended where no answer can end."""


class Tally:
    """What clients saw."""

    def __init__(self):
        self.right = 0
        self.errors = collections.Counter()  # by what the client is told
        self.faults = collections.Counter()  # of those, by the fault
        self.wrong = []

    def error(self, what, fault):
        self.errors[what] += 1
        self.faults[fault or "none"] += 1


async def read_answer(reader):
    """(status, body), whole by its framing; else Cut."""
    status = 100
    try:
        while status < 200:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            status = int(head[0].split(" ", 2)[1])
    except asyncio.IncompleteReadError as error:
        raise Cut("cut within the head" if error.partial else "closed before an answer") from None
    fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    try:
        if fields.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await reader.readuntil(b"\r\n"), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readuntil(b"\r\n")
        elif "content-length" in fields:
            body = await reader.readexactly(int(fields["content-length"]))
        else:
            body = await reader.read(-1)
    except (asyncio.IncompleteReadError, ConnectionError):
        raise Cut("cut within the body") from None
    return status, body, fields.get("connection") == "close"


class Client:
    """One connection after the other, one request at a time."""

    def __init__(self, port, share, tally):
        self.port = port
        self.share = share
        self.tally = tally
        self.writer = None

    async def ask(self, number):
        fault = script.fault_of(number, self.share)
        kind = script.kind_of(number, fault)
        body = script.request_body(number, kind)
        try:
            status, answer, closes = await asyncio.wait_for(
                self.exchange(number, body), ANSWER_SECONDS_MAX)
            self.judge(number, kind, fault, body, status, answer)
            if closes:
                self.close()
        except asyncio.TimeoutError:
            self.close()
            self.tally.error("no answer in time", fault)
        except Cut as error:
            self.close()
            self.tally.error(str(error), fault)
        except OSError:
            self.close()
            self.tally.error("reset before an answer", fault)

    async def exchange(self, number, body):
        if not self.writer or self.reader.at_eof() or self.writer.is_closing():
            self.close()
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = (f"POST /v1/chat/completions?number={number} HTTP/1.1\r\nHost: localhost\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode()
        half = len(body) // 2
        # An upload's body comes in two parts, so that an answer may come between them.
        self.writer.write(head + body[:half])
        if half > 8_192:
            await self.writer.drain()
            await asyncio.sleep(0)
        self.writer.write(body[half:])
        return await read_answer(self.reader)

    def judge(self, number, kind, fault, body, status, answer):
        if status == 200:
            if answer == b"".join(script.pieces(number, kind, body)):
                self.tally.right += 1
            else:
                self.tally.wrong.append((number, kind, fault, answer[:80]))
        elif script.STATUSES.get(fault) == status and answer == script.refusal(number, status):
            self.tally.right += 1  # the upstream's own word, passed on
        elif status in (500, 502, 503, 504):
            self.tally.error(f"status {status}", fault)
        else:
            self.tally.wrong.append((number, kind, fault, b"%d " % status + answer[:80]))

    def close(self):
        if self.writer:
            self.writer.transport.abort()
            self.writer = None


async def run(port, numbers, connections, share):
    """A Tally of all `numbers`."""
    tally = Tally()
    waiting = iter(numbers)

    async def one():
        client = Client(port, share, tally)
        for number in waiting:
            await client.ask(number)
        client.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return tally
