"""Keeps caught mails in a folder, one .eml file each; the oldest make room for new ones.

The envelope stands in two header lines of ours at the top of each file, since Bcc recipients stand nowhere else.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

MAX_MAILS = 500
MAX_MAIL_BYTES = 60 * 1024 * 1024
_ID = re.compile(r"[0-9]{20}-[0-9a-f]{8}")
_FROM, _TO = "X-Mailcatcher-From", "X-Mailcatcher-To"


@dataclass(frozen=True, slots=True)
class Part:
    """An attachment or inline image. `number` counts from 1 in the order of the mail."""

    number: int
    filename: str
    media_type: str
    size: int
    sha256: str
    inline: bool
    content_id: str


@dataclass(frozen=True, slots=True)
class Summary:
    """A mail as the list shows it. `recipients` are those of the envelope, who really got it."""

    id: str
    received_at: datetime
    sender: str
    recipients: list[str]
    subject: str
    size: int
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail in full; `contents[n - 1]` belongs to part n."""

    summary: Summary
    headers: list[tuple[str, str]]
    text: str
    html: str
    contents: list[bytes]


class MailStore:
    """The folder of caught mails. Safe to use from several threads.

    Args:
        folder: made if missing.
        limit: how many mails are kept; the oldest go first.
    """

    def __init__(self, folder: Path, limit: int = MAX_MAILS) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._limit = limit
        self._lock = threading.Lock()
        self._summaries: dict[str, Summary] = {}

    def add(self, raw: bytes, sender: str, recipients: Sequence[str]) -> str:
        """Keep a mail; returns its id."""
        identifier = f"{time.time_ns():020d}-{hashlib.sha256(raw).hexdigest()[:8]}"
        envelope = f"{_FROM}: {_line(sender)}\r\n{_TO}: {_line(', '.join(recipients))}\r\n".encode()
        temporary = self._folder / f".{identifier}.part"
        temporary.write_bytes(envelope + raw)
        temporary.rename(self._path(identifier))
        with self._lock:
            for old in self._ids()[self._limit :]:
                self._path(old).unlink(missing_ok=True)
                self._summaries.pop(old, None)
        return identifier

    def summaries(self) -> list[Summary]:
        """Return the summaries, newest first."""
        return [summary for identifier in self._ids() if (summary := self._summary(identifier)) is not None]

    def read(self, identifier: str) -> Mail | None:
        """Return the mail, or None where there is none of that id."""
        raw = self.source(identifier)
        return None if raw is None else _parse(identifier, raw)

    def source(self, identifier: str) -> bytes | None:
        """Return the bytes as kept, the envelope's two lines first."""
        if not _ID.fullmatch(identifier):
            return None
        try:
            return self._path(identifier).read_bytes()
        except FileNotFoundError:
            return None

    def _summary(self, identifier: str) -> Summary | None:
        with self._lock:
            known = self._summaries.get(identifier)
        if known is None and (mail := self.read(identifier)) is not None:
            known = mail.summary
            with self._lock:
                self._summaries[identifier] = known
        return known

    def _ids(self) -> list[str]:
        found = (path.stem for path in self._folder.glob("*.eml"))
        return sorted((stem for stem in found if _ID.fullmatch(stem)), reverse=True)

    def _path(self, identifier: str) -> Path:
        return self._folder / f"{identifier}.eml"


def _line(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


def _parse(identifier: str, raw: bytes) -> Mail:
    mail = message_from_bytes(raw, policy=SMTP)
    text_part, html_part = mail.get_body(("plain",)), mail.get_body(("html",))
    parts: list[Part] = []
    contents: list[bytes] = []
    for part in mail.walk():
        if part.is_multipart() or part is text_part or part is html_part:
            continue
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        contents.append(content)
        parts.append(
            Part(
                number=len(contents),
                filename=str(part.get_filename() or f"part-{len(contents)}"),
                media_type=part.get_content_type(),
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
                inline=part.get_content_disposition() == "inline",
                content_id=str(part.get("Content-ID", "")).strip().strip("<>"),
            )
        )
    summary = Summary(
        id=identifier,
        received_at=datetime.fromtimestamp(int(identifier[:20]) / 1e9, UTC),
        sender=str(mail.get("From", "")) or str(mail.get(_FROM, "")),
        recipients=[address for address in str(mail.get(_TO, "")).split(", ") if address],
        subject=str(mail.get("Subject", "")),
        size=len(raw),
        parts=parts,
    )
    headers = [(name, str(value)) for name, value in mail.items()]
    return Mail(summary=summary, headers=headers, text=_body(text_part), html=_body(html_part), contents=contents)


def _body(part: object) -> str:
    return str(part.get_content()).replace("\r\n", "\n") if isinstance(part, EmailMessage) else ""
