"""`python -m bench.troubled.store_server PORT JOURNAL [merciful]`: a bad S3 before moto's good one, see `far_side`.

Every 13th upload is cut in its middle, and after every 7th that was stored the answer is lost. Every 5th object is told
to slow down until the client's own tries are over, and for every 11th the credential is refused.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from moto.server import ThreadedMotoServer

from bench.troubled.far_side import FarSide
from bench.troubled.objects import client_at
from bench.troubled.script import BUCKET, Script, is_refused, object_name

_TRIES = 3
"""The client itself tries so often within one attempt."""
_PATIENCE = 60
_OBJECT = re.compile(rf"/{BUCKET}/r(\d+)\.stored")


class BadStore(FarSide):
    """Answers one request on each connection, as moto answers it, or badly."""

    def __init__(self, journal: Path, script: Script, good: int) -> None:
        """Make one.

        Args:
            good: the port of moto.
        """
        super().__init__(journal, script)
        self._good = good
        self._slow: dict[str, int] = {}

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a request, and answer, or hang up."""
        try:
            async with asyncio.timeout(_PATIENCE):
                answer = await self._answer(reader, writer)
                if answer is None:
                    writer.transport.abort()
                    return
                writer.write(answer)
                await writer.drain()
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            self.note("gave up")  # The other side stood still or went away in the middle of its request.
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes | None:
        """Return the answer, or None where the connection is to be cut."""
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if headers.get("expect"):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        size = int(headers.get("content-length", "0"))
        method, path, _ = first.split(" ")
        found = _OBJECT.match(path) if method == "PUT" else None
        recipient = object_name(int(found[1])) if found else ""
        if recipient and self.bad and self.script.turns_away() and self.script.may_trouble(recipient):
            await reader.readexactly(size // 2)
            self.note("turned away", recipient=recipient)
            return None
        body = await reader.readexactly(size)
        if recipient and self.bad and (refusal := self._refusal(recipient)):
            return refusal
        kept = [line for line in lines if not line.lower().startswith(("connection:", "expect:"))]
        answer = await self._forward("\r\n".join([first, *kept, "Connection: close", "", ""]).encode("latin-1") + body)
        if recipient and answer.startswith(b"HTTP/1.1 200"):
            cut = self.bad and self.script.cuts(recipient)
            self.note("accepted", recipient=recipient, message_id=headers["x-amz-meta-mailroom-key"], cut=cut)
            return None if cut else answer
        return answer

    def _refusal(self, recipient: str) -> bytes | None:
        if is_refused(recipient):
            self.note("refused", recipient=recipient)
            return _error("403 Forbidden", "AccessDenied")
        if self.script.greylists(recipient):
            self._slow[recipient] = _TRIES
            self.note("greylisted", recipient=recipient)
        if self._slow.get(recipient, 0):
            self._slow[recipient] -= 1
            return _error("503 Slow Down", "SlowDown")
        return None

    async def _forward(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._good)
        try:
            writer.write(request)
            await writer.drain()
            return await reader.read(-1)
        finally:
            writer.close()


def _error(status: str, code: str) -> bytes:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


async def serve(port: int, journal: Path, *, merciful: bool) -> None:
    """Serve until the process is ended."""
    moto = ThreadedMotoServer("127.0.0.1", 0)
    moto.start()
    _, good = moto.get_host_and_port()
    client_at(good).create_bucket(Bucket=BUCKET)
    bad = BadStore(journal, Script(merciful), good)
    bad.listen_for_the_sign()
    server = await asyncio.start_server(bad.handle, "127.0.0.1", port, limit=1 << 20)
    bad.note("ready")
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]), merciful="merciful" in sys.argv[3:]))
