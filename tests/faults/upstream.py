"""The upstream of a fault run: answers by script.py, over TLS.

  upstream.py PORT CERTIFICATE KEY SHARE_OF_FAULTS
"""

import asyncio
import socket
import ssl
import struct
import sys
import urllib.parse

import script

RST_ON_CLOSE = struct.pack("ii", 1, 0)


class Upstream:
    def __init__(self, share):
        self.share = share
        self.seen = set()

    def fault_of(self, number):
        if number < 0 or number in self.seen:
            return ""
        self.seen.add(number)
        return script.fault_of(number, self.share)

    async def serve(self, reader, writer):
        try:
            answered = 0
            while await Exchange(self, reader, writer).run(answered):
                answered += 1
        except (OSError, EOFError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.transport.abort()


class Exchange:
    """One request and its answer."""

    def __init__(self, upstream, reader, writer):
        self.upstream = upstream
        self.reader = reader
        self.writer = writer

    def reset(self):
        self.writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)
        self.writer.transport.abort()

    async def run(self, answered):
        """Whether the connection goes on."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        query = urllib.parse.urlsplit(head.split(" ", 2)[1]).query
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        values = urllib.parse.parse_qs(query)
        number = int(values.get("number", ["-1"])[0])
        fault = self.upstream.fault_of(number)
        if fault == "close_reused":
            if answered:
                return False
            fault = ""
        length = int(fields.get("content-length", 0))
        if fault == "early_413":
            await self.reader.readexactly(length // 2)
            self.writer.write(answer(script.refusal(number, 413), "413 Content Too Large",
                                     ["Connection: close"]))
            await self.writer.drain()
            # Closing at once would reset the answer.
            await asyncio.wait_for(self.reader.read(-1), 5)
            return False
        body = await self.reader.readexactly(length)
        if fault in ("status_429", "status_500"):
            status = script.STATUSES[fault]
            self.writer.write(answer(script.refusal(number, status), f"{status} Refused",
                                     ["Retry-After: 1"]))
            return True
        return await self.answer(number, fault, body)

    async def answer(self, number, fault, body):
        if fault == "reset_before_head":
            self.reset()
            return False
        if fault == "stall_head":
            await self.reader.read(1)
            return False
        if fault == "garbage":
            self.writer.write(b"220 this is no web server\r\n")
            await self.writer.drain()
            await self.reader.read(1)
            return False
        kind = script.kind_of(number, fault)
        parts = script.pieces(number, kind, body)
        if kind == "stream" or number % 2:
            head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: " + (
                b"text/event-stream" if kind == "stream" else b"application/json") + b"\r\n\r\n"
            parts = [b"%x\r\n%s\r\n" % (len(part), part) for part in parts]
            parts[-1] += b"0\r\n\r\n"
        else:
            head, parts = answer(parts[0]), []
        return await self.send(fault, [head + b"".join(parts[:1]), *parts[1:]])

    async def send(self, fault, parts):
        if fault in ("reset_in_body", "end_in_body", "stall_body"):
            whole = b"".join(parts)
            self.writer.write(whole[:len(whole) - len(whole) // 3])
            await self.writer.drain()
            if fault == "reset_in_body":
                await asyncio.sleep(0.01)  # what was sent arrives
                self.reset()
            elif fault == "end_in_body":
                self.writer.close()
            else:
                await self.reader.read(1)
            return False
        if fault == "drip":
            whole = b"".join(parts)
            self.writer.write(whole[:-script.DRIP_BYTES])
            for byte in whole[-script.DRIP_BYTES:]:
                await asyncio.sleep(1)
                self.writer.write(bytes([byte]))
            return True
        if fault == "extra":
            # In one record: what comes after the next request is its answer, as far as HTTP goes.
            parts[-1] += answer(b"nobody asked for this")
        for part in parts:
            self.writer.write(part)
            if len(parts) > 1:
                await asyncio.sleep(0)
        if fault == "close_idle":
            await self.writer.drain()
            await asyncio.sleep(0.002)
            self.writer.close()
            return False
        await self.writer.drain()
        return True


def answer(body, status="200 OK", fields=()):
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json",
             f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def main(port, certificate, key, share):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    upstream = Upstream(float(share))
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", int(port), ssl=context,
                                        backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
