"""The mail server that everybody delivers to: real SMTP, which counts by recipient and keeps nothing else."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from bench.peak.waiting import free_ports


class Sink:
    """`taken` counts messages by recipient; `at` has when each got the first, `latest` is of the last (Unix time)."""

    def __init__(self) -> None:
        self.port = free_ports(1)[0]
        self.taken: Counter[str] = Counter()
        self.at: dict[str, float] = {}
        self.latest = 0.0
        self.smallest = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        """Take a message."""
        self.taken.update(envelope.rcpt_tos)
        self.latest = time.time()
        for recipient in envelope.rcpt_tos:
            self.at.setdefault(recipient, self.latest)
        size = len(envelope.content or b"")
        self.smallest = min(self.smallest or size, size)
        return "250 2.0.0 Ok: queued"

    @property
    def duplicates(self) -> int:
        """Messages that somebody got again."""
        return self.taken.total() - len(self.taken)

    def clear(self) -> None:
        """Forget everything."""
        self.taken.clear()
        self.at.clear()
        self.latest = 0.0
        self.smallest = 0

    @contextmanager
    def serving(self, address: str = "127.0.0.1") -> Iterator[None]:
        """Take mail at this address while the block runs."""
        # Large: a chart, a PDF and a workbook, in base64.
        controller = Controller(self, hostname=address, port=self.port, data_size_limit=2**26)
        controller.start()
        try:
            yield
        finally:
            controller.stop()
