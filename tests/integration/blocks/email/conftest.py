"""Real mail servers for the e-mail channel: smtp-sink, dovecot, and a server that gives tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect_email import EmailServerCredentials

from prefect_mailroom.channels.base import Parcel, ParcelFile
from prefect_mailroom.channels.email.channel import EmailChannel
from prefect_mailroom.channels.email.destination import EmailDestination
from tests.support.dovecot import Dovecot, dovecot
from tests.support.smtp_sink import free_port
from tests.support.token_server import MAILBOX, TokenServer, token_server


@pytest.fixture(scope="session")
def submission() -> Iterator[tuple[Dovecot, TokenServer, int]]:
    """Dovecot, the server of its tokens, and the port that it passes mails on to; nothing listens there yet."""
    relay = free_port()
    with token_server() as tokens, dovecot(relay, tokens.url) as server:
        yield server, tokens, relay


@pytest.fixture
def tokens() -> Iterator[TokenServer]:
    """A server that gives tokens, for this test alone."""
    with token_server() as server:
        yield server


def channel_to(port: int, **settings: Any) -> EmailChannel:
    """Return a connection to a server of this machine; it speaks plainly unless something else is said."""
    credentials = EmailServerCredentials(
        smtp_server="127.0.0.1",
        smtp_port=port,
        smtp_type=settings.pop("smtp_type", "INSECURE"),
        username=settings.pop("username", None),
        password=settings.pop("password", ""),
    )
    given = {"allow_plain": True, "timeout_seconds": 20, "from_address": MAILBOX, **settings}
    return EmailChannel(credentials=credentials, **given)


def a_parcel(folder: Path, number: int = 0, **changes: Any) -> Parcel:
    """Return a small mail with one file for ada."""
    content = b"a;b\r\n1;2\r\n"
    path = folder / "artifact"
    path.write_bytes(content)
    destination = changes.pop("destination", EmailDestination(connection="corp", to=["ada@example.com"]))
    values: dict[str, Any] = {
        "key": f"execution-1/{number}",
        "attempt": 1,
        "recipient": destination.recipients()[0],
        "destination": destination,
        "files": (ParcelFile(path, "sales.csv", "text/csv", len(content), "0" * 64),),
        "text": "The figures.",
        "variables": {"report_name": "Sales", "report_slug": "sales", "date": "2026-02-09"},
        **changes,
    }
    return Parcel(**values)
