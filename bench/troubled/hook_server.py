"""`python -m bench.troubled.hook_server PORT JOURNAL [merciful]`: a bad receiver of webhooks, see `far_side`.

It knows each schedule by the number in its name, as the facts of its report tell it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from bench.troubled.far_side import FarSide
from bench.troubled.script import Script, hook, is_refused

_LOOK_SECONDS = 0.05
_PATIENCE = 60


class BadReceiver(FarSide):
    """Answers one request on each connection."""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a request, and answer, or hang up."""
        try:
            if self.bad and self.script.turns_away() and not self.script.merciful:
                self.note("turned away")
                return
            async with asyncio.timeout(_PATIENCE):
                answer = await self._answer(reader)
                if answer is None:
                    writer.transport.abort()
                    return
                writer.write(f"HTTP/1.1 {answer}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            self.note("gave up")  # The other side stood still or went away in the middle of its request.
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> str | None:
        """Return the status and headers to answer with, or None where the connection is to be cut."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if not head[0].startswith("POST "):
            return "200 OK"
        recipient = hook(int(json.loads(body)["data"]["schedule"]["name"].removeprefix("troubled ")) + 1)
        await asyncio.sleep(_LOOK_SECONDS)
        if self.bad and is_refused(recipient):
            self.note("refused", recipient=recipient)
            return "400 Bad Request"
        if self.bad and self.script.greylists(recipient):
            self.note("greylisted", recipient=recipient)
            return "503 Service Unavailable\r\nretry-after: 2"
        cut = self.bad and self.script.cuts(recipient)
        self.note("accepted", recipient=recipient, message_id=headers["webhook-id"], cut=cut)
        return None if cut else "200 OK"


async def serve(port: int, journal: Path, *, merciful: bool) -> None:
    """Serve until the process is ended."""
    bad = BadReceiver(journal, Script(merciful))
    bad.listen_for_the_sign()
    server = await asyncio.start_server(bad.handle, "127.0.0.1", port)
    bad.note("ready")
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]), merciful="merciful" in sys.argv[3:]))
