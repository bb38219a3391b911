"""`python -m bench.troubled.stores.server S3,AZURE,GCS JOURNAL [merciful]`: bad stores before good ones.

They take turns in one script: of all uploads, every 13th is cut in its middle, every 9th is taken and never answered
nor stored, and after every 7th that was stored the answer is lost. Every 5th object is told to slow down until the
client's own tries are over, and for every 11th the credential is refused.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.troubled.far_side import FarSide
from bench.troubled.script import Script, is_refused, object_name
from bench.troubled.stores import good
from bench.troubled.stores.vendors import VENDORS, Vendor

_PATIENCE = 60
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class BadStores(FarSide):
    """Answer one request on each connection, as the good store answers it, or badly."""

    def __init__(self, journal: Path, script: Script) -> None:
        super().__init__(journal, script)
        self._slow: dict[str, int] = {}

    def before(self, vendor: Vendor, port: int) -> Handler:
        """Return what handles connections to the store of a vendor, whose good one listens at a port."""

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                async with asyncio.timeout(_PATIENCE):
                    answer = await self._answer(vendor, port, reader, writer)
                    if answer is None:
                        writer.transport.abort()
                        return
                    writer.write(answer)
                    await writer.drain()
            except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
                self.note("gave up")  # The other side stood still or went away in the middle of its request.
            finally:
                writer.close()

        return handle

    async def _answer(
        self, vendor: Vendor, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bytes | None:
        """Return the answer, or None where the connection is to be cut."""
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if headers.get("expect"):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        size = int(headers.get("content-length", "0"))
        method, path, _ = first.split(" ")
        body = await reader.readexactly(size // 2)
        number = vendor.number(method, path, body)
        recipient = object_name(number) if number is not None else ""
        if recipient and self.bad and self.script.turns_away() and self.script.may_trouble(recipient):
            self.note("turned away", recipient=recipient)
            return None
        body += await reader.readexactly(size - len(body))
        if recipient and self.bad and self.script.hangs(recipient):
            self.note("hung", recipient=recipient)
            await reader.read()  # Until the client goes away.
            return None
        if recipient and self.bad and (refusal := self._refusal(vendor, recipient)):
            return refusal
        kept = [line for line in lines if not line.lower().startswith(("connection:", "expect:"))]
        request = "\r\n".join([first, *kept, "Connection: close", "", ""]).encode("latin-1") + body
        answer = await _forward(port, request)
        if recipient and answer.startswith(f"HTTP/1.1 {vendor.stored} ".encode()):
            cut = self.bad and self.script.cuts(recipient)
            self.note("accepted", recipient=recipient, message_id=vendor.key(headers, body), cut=cut)
            return None if cut else answer
        return answer

    def _refusal(self, vendor: Vendor, recipient: str) -> bytes | None:
        if is_refused(recipient):
            self.note("refused", recipient=recipient)
            return vendor.refused
        if self.script.greylists(recipient):
            self._slow[recipient] = vendor.tries
            self.note("greylisted", recipient=recipient)
        if self._slow.get(recipient, 0):
            self._slow[recipient] -= 1
            return vendor.slow
        return None


async def _forward(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        await writer.drain()
        return _announced(await reader.read(-1))
    finally:
        writer.close()


def _announced(answer: bytes) -> bytes:
    """Return an answer that says that its connection ends: a client would lose its next request on it."""
    head, separator, body = answer.partition(b"\r\n\r\n")
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*kept, b"Connection: close"]) + separator + body if separator else answer


async def serve(ports: dict[str, int], stores: good.Good, journal: Path, *, merciful: bool) -> None:
    """Serve until the process is ended."""
    bad = BadStores(journal, Script(merciful))
    bad.listen_for_the_sign()
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    for kind, port in ports.items():
        handler = bad.before(VENDORS[kind], getattr(stores, kind))
        await asyncio.start_server(handler, "127.0.0.1", port, limit=1 << 20)
    bad.note("ready")
    await over.wait()


def main(ports: dict[str, int], journal: Path, *, merciful: bool) -> None:
    """Start the good stores, tell where they are, and serve."""
    with good.running(journal.parent) as (stores, front):
        told = front.identities.key_file(f"http://127.0.0.1:{ports['gcs']}")
        stores.write(journal.parent, told)
        asyncio.run(serve(ports, stores, journal, merciful=merciful))


if __name__ == "__main__":
    given = dict(zip(VENDORS, map(int, sys.argv[1].split(",")), strict=True))
    main(given, Path(sys.argv[2]), merciful="merciful" in sys.argv[3:])
