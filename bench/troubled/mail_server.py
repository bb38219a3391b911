"""`python -m bench.troubled.mail_server PORT JOURNAL [merciful]`: a mail server that behaves badly, see `far_side`."""

from __future__ import annotations

import asyncio
import email
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from bench.troubled.far_side import FarSide
from bench.troubled.script import Script, is_refused

# A real server looks at a mail before it takes it.
_LOOK_SECONDS = 0.05


class BadServer(FarSide):
    """The handler of every connection."""

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name.
        self, server: SMTP, _session: Session, envelope: Envelope, recipient: str, _options: list[str]
    ) -> str:
        """Take, put off or refuse a recipient."""
        if self.bad and is_refused(recipient):
            self.note("refused", recipient=recipient)
            return "550 5.1.1 No such mailbox here"
        if getattr(server, "turned_away", False) and self.script.may_trouble(recipient):
            self.note("turned away", recipient=recipient)
            return "421 4.3.2 The service shuts down"
        if self.bad and self.script.greylists(recipient):
            self.note("greylisted", recipient=recipient)
            return "451 4.7.1 Greylisted, try again"
        envelope.rcpt_tos.append(recipient)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        """Take a mail, and answer, or cut the connection."""
        await asyncio.sleep(_LOOK_SECONDS)
        content = envelope.content
        assert isinstance(content, bytes)
        identifier = str(email.message_from_bytes(content)["Message-ID"])
        (recipient,) = envelope.rcpt_tos
        cut = self.bad and self.script.cuts(recipient)
        self.note("accepted", recipient=recipient, message_id=identifier, cut=cut)
        if cut:
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return "250 2.0.0 Ok: queued"


class Connection(SMTP):
    """One connection, which may be turned away."""

    turned_away = False

    async def _handle_client(self) -> None:
        bad: BadServer = self.event_handler
        turned_away = bad.bad and bad.script.turns_away()
        if turned_away and not bad.script.merciful:
            bad.note("turned away")
            await self.push("421 4.3.2 Too busy, try again later")
            assert self.transport is not None
            self.transport.close()
            return
        self.turned_away = turned_away
        await super()._handle_client()


async def serve(port: int, journal: Path, *, merciful: bool) -> None:
    """Serve until the process is ended."""
    bad = BadServer(journal, Script(merciful))
    bad.listen_for_the_sign()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(bad, hostname="mail.troubled.example"), "127.0.0.1", port)
    bad.note("ready")
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]), merciful="merciful" in sys.argv[3:]))
