"""Say in words what the far side confirmed. Pure.

What a receipt holds is the channel's own affair, so each thing is told by its name in the receipt, and a channel that
is not known here is told by its reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from api.web.when import size
from prefect_mailroom.channels.base import Grade

GRADES: Mapping[Grade, str] = {
    Grade.STORED: "Stored, and found there again.",
    Grade.ACCEPTED_WITH_ID: "Accepted, with an id to ask for it by.",
    Grade.ACCEPTED: "Accepted.",
}


@dataclass(frozen=True, slots=True)
class Copyable:
    """A text to copy, such as a checksum; `what` is its name."""

    what: str
    text: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file at the far side; `version` names exactly this content of it, where the far side keeps versions."""

    path: str
    size: str
    sha256: str
    note: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptWords:
    """A receipt in words: sentences, what can be copied, and files."""

    lines: tuple[str, ...] = ()
    copies: tuple[Copyable, ...] = ()
    files: tuple[StoredFile, ...] = ()

    @property
    def sums(self) -> tuple[str, ...]:
        """Return the checksums of the files."""
        return tuple(file.sha256 for file in self.files if file.sha256)


def receipt_words(receipt: Mapping[str, Any] | None, grade: Grade | None) -> ReceiptWords | None:
    """Return a receipt in words, None where there is none."""
    if not receipt:
        return None
    detail = receipt.get("detail")
    detail = detail if isinstance(detail, dict) else {}
    lines = [*_mail(detail), *_web(detail), *_program(detail), *_links(detail)]
    if not lines and grade is not None:
        lines = [GRADES[grade]]
    files = tuple(_file(one) for one in detail.get("files", []) if isinstance(one, dict))
    return ReceiptWords(tuple(lines), tuple(_copies(receipt, detail, files)), files)


def _mail(detail: Mapping[str, Any]) -> list[str]:
    if "reply" not in detail:
        return []
    sent = detail.get("bytes")
    told = f" ({size(sent)})" if isinstance(sent, int) else ""
    lines = [f"{detail.get('server') or 'The mail server'} answered: {detail['reply']}{told}"]
    lines += [f"Tried before: {one.get('server')}. {one.get('why')}" for one in detail.get("passed_over") or []]
    if refused := detail.get("refused"):
        lines.append(f"Refused among those it was for: {', '.join(refused)}.")
    return lines


def _web(detail: Mapping[str, Any]) -> list[str]:
    if "status" not in detail:
        return []
    sent = detail.get("bytes")
    told = f" to {size(sent)}" if isinstance(sent, int) else ""
    return [f"{detail.get('host') or 'The far side'} answered {detail['status']}{told}."]


def _program(detail: Mapping[str, Any]) -> list[str]:
    if "program" not in detail:
        return []
    lines = [f"{detail['program']} ended with exit code {detail.get('exit_code', 0)}."]
    return [*lines, f"It said: {detail['output']}"] if detail.get("output") else lines


def _links(detail: Mapping[str, Any]) -> list[str]:
    """Say where the links lead that a store has signed."""
    links = detail.get("links")
    if not isinstance(links, dict):
        return []
    until = datetime.fromisoformat(links["until"]).astimezone(UTC)
    where = ", ".join(str(one) for one in links.get("objects") or [])
    return [f"Its links lead to {where} by the connection {links['connection']}, until {until:%Y-%m-%d %H:%M} UTC."]


def _file(one: Mapping[str, Any]) -> StoredFile:
    notes = (("was_there", "It was there already."), ("picked_up", "The far side had picked it up."))
    note = " ".join(words for name, words in notes if one.get(name))
    sent = one.get("bytes")
    path = str(one.get("path") or one.get("file") or "")
    told_size, version = size(sent) if isinstance(sent, int) else "", str(one.get("version") or "")
    return StoredFile(path, told_size, str(one.get("sha256") or ""), note, version)


def _copies(receipt: Mapping[str, Any], detail: Mapping[str, Any], files: tuple[StoredFile, ...]) -> list[Copyable]:
    reference, message_id = str(receipt.get("reference") or ""), str(detail.get("message_id") or "")
    found = [Copyable("Version", file.version) for file in files if file.version]
    if reference and reference != message_id and reference not in {file.path for file in files}:
        found.append(Copyable("Queue id" if message_id else "Reference", reference))
    if message_id:
        found.append(Copyable("Message id", message_id))
    return found
