"""A system whose owner, operators and receiver of requests are looked at, with far sides that can fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.acceptance.incidents.book import OPERATOR, OWNER, Book
from tests.acceptance.incidents.schedules import Faults
from tests.support.receiver import SECRET, receiving
from tests.support.remote.servers import proftpd
from tests.support.smtp import SmtpServer
from tests.support.system import System


@pytest.fixture
def faults(tmp_path: Path) -> Iterator[Faults]:
    """Return a system that is not up yet, and its far sides."""
    folder = tmp_path / "up" / "data"
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        receiver = stack.enter_context(receiving())
        settings = {
            "MAILROOM_OWNER_EMAIL": OWNER,
            "MAILROOM_ALERTS__OPERATOR_MAIL": OPERATOR,
            "MAILROOM_ALERTS__WEBHOOK_URL": receiver.url,
            "MAILROOM_ALERTS__WEBHOOK_SECRET": SECRET,
        }
        mail = stack.enter_context(SmtpServer().in_thread())
        files = stack.enter_context(proftpd(tmp_path / "files"))
        system = System(folder, settings)
        yield Faults(system, Book(system, receiver), mail, files, stack)
