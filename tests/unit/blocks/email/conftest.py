"""A parcel for a mail, with everything that a pass gives it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from prefect_mailroom.channels.base import InlineImage, Parcel, ParcelFile
from prefect_mailroom.channels.email.destination import EmailDestination
from prefect_mailroom.channels.email.message import Sender, build
from prefect_mailroom.channels.email.mime import parts

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(250))
DUE = datetime(2026, 2, 9, 8, 0, tzinfo=UTC)
FACTS: dict[str, Any] = {
    "kind": "scheduled",
    "schedule": {"id": "schedule-1", "name": "EMEA weekly"},
    "report": {"id": "sales", "title": "Sales"},
    "timezone": "Europe/Berlin",
    "due_at": DUE.isoformat(),
    "owner": {"name": "Ada Lovelace", "email": "ada@example.com"},
    "filters": {"Region": "EMEA"},
    "data_as_of": DUE.isoformat(),
    "next_due_at": "2026-02-16T08:00:00+00:00",
}
SENDER = Sender(Address("Reports", addr_spec="reports@example.com"), "help@example.com")
LIMIT = 18_000_000


@pytest.fixture(autouse=True)
def no_parts_of_others() -> Iterator[None]:
    parts.CACHE.clear()
    yield
    parts.CACHE.clear()


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[..., ParcelFile]:
    def make(name: str, content: bytes, media_type: str = "application/octet-stream") -> ParcelFile:
        digest = hashlib.sha256(content).hexdigest()
        path = tmp_path / digest
        path.write_bytes(content)
        return ParcelFile(path, name, media_type, len(content), digest)

    return make


def a_parcel(*files: ParcelFile, facts: dict[str, Any] | None = None, **changes: Any) -> Parcel:
    """Return a parcel to bob; settings of the destination are named as such, and so are fields of the parcel."""
    of_destination = {name: changes.pop(name) for name in list(changes) if name in EmailDestination.model_fields}
    destination = EmailDestination(**{"connection": "corp", "to": ["bob@example.com"], **of_destination})
    values: dict[str, Any] = {
        "key": "execution-1/0/bob@example.com",
        "attempt": 1,
        "recipient": destination.recipients()[0],
        "destination": destination,
        "files": files,
        "text": "Größe: 1, 2.\n",
        "html": '<html><body><h1>Größe</h1><img src="cid:chart-1" alt="Sales by day"></body></html>',
        "images": (InlineImage("chart-1", "image/png", PNG, "Chart"),),
        "variables": {"report_name": "Sales", "report_slug": "sales", "date": date(2026, 2, 9), "param_name": "<Ada>"},
        "facts": {**FACTS, **(facts or {})},
        **changes,
    }
    return Parcel(**values)


def raw_mail(parcel: Parcel, *, max_bytes: int = LIMIT, sender: Sender = SENDER) -> bytes:
    assert isinstance(parcel.destination, EmailDestination)
    return build(parcel, parcel.destination, sender, max_bytes=max_bytes, date=DUE)


def mail_of(parcel: Parcel, *, max_bytes: int = LIMIT, sender: Sender = SENDER) -> EmailMessage:
    return message_from_bytes(raw_mail(parcel, max_bytes=max_bytes, sender=sender), policy=default)


def body_of(mail: EmailMessage, kind: str) -> str:
    """Return the text of a mail's plain or HTML body, its lines ended by LF."""
    part = mail.get_body((kind,))
    assert part is not None, f"the mail has no {kind} body"
    return str(part.get_content()).replace("\r\n", "\n")


def shape_of(mail: EmailMessage) -> list[str]:
    return [part.get_content_type() for part in mail.walk()]
