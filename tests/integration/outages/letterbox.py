"""A real SMTP server that keeps who got which mail, and that can keep a sender waiting for its answer."""

from __future__ import annotations

import asyncio
import email
import email.policy
import threading
from collections import Counter
from dataclasses import dataclass, field

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from embedded.ports import free_port


@dataclass
class Letterbox:
    """`taken` has (recipient, Message-ID) of each mail. The mails to `held` recipients wait until `go` is set."""

    port: int = field(default_factory=lambda: free_port("127.0.0.1"))
    taken: list[tuple[str, str]] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    waiting: list[str] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        assert isinstance(envelope.content, bytes)
        message_id = email.message_from_bytes(envelope.content, policy=email.policy.default)["Message-ID"]
        if self.held.intersection(envelope.rcpt_tos):
            self.waiting += envelope.rcpt_tos
            await asyncio.to_thread(self.go.wait)
        self.taken += [(recipient, str(message_id)) for recipient in envelope.rcpt_tos]
        return "250 2.0.0 Ok: queued"

    def counts(self) -> Counter[str]:
        """How many mails each recipient got."""
        return Counter(recipient for recipient, _ in self.taken)

    def start(self) -> None:
        self._controller.start()

    def clear(self) -> None:
        """Forget everything, and let go whoever waits."""
        self.go.set()
        self.taken, self.held, self.waiting, self.go = [], set(), [], threading.Event()

    def stop(self) -> None:
        self.go.set()
        self._controller.stop()
