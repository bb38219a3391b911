"""A real SMTP server that knows each mail by its recipient and by the due time that its subject ends with."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from bench.peak.waiting import free_ports

SUBJECT = "Due {due:%Y-%m-%d %H:%M}"
"""The subject that every schedule of these tests has; its time zone is UTC."""
_DUE = re.compile(rb"^Subject: Due (\d{4}-\d\d-\d\d \d\d:\d\d)", re.MULTILINE | re.IGNORECASE)

Mail = tuple[str, datetime]
"""A recipient and a due time."""


@dataclass
class Inbox:
    """`taken` has the moments (Unix time) at which each mail came; each takes `seconds`, so that restarts meet some."""

    seconds: float = 1.0
    port: int = field(default_factory=lambda: free_ports(1)[0])
    taken: dict[Mail, list[float]] = field(default_factory=dict)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        """Take a message."""
        await asyncio.sleep(self.seconds)
        assert isinstance(envelope.content, bytes), "aiosmtpd was not asked to decode"
        found = _DUE.search(envelope.content)
        assert found is not None, "every mail names its due time"
        due = datetime.strptime(found[1].decode(), "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        for recipient in envelope.rcpt_tos:
            self.taken.setdefault((recipient, due), []).append(time.time())
        return "250 2.0.0 Ok: queued"

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Take mail while the block runs."""
        controller = Controller(self, hostname="127.0.0.1", port=self.port)
        controller.start()
        try:
            yield
        finally:
            controller.stop()
