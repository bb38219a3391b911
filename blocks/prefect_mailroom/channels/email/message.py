"""Write a parcel as a mail, in bytes ready for SMTP. CPU-bound, and reads files: call it off the event loop.

Files and pictures are encoded once for all mails of this process (`mime/parts.py`); what differs is written for each.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, localtime

from prefect_mailroom.channels.base import Parcel
from prefect_mailroom.channels.email.destination import EmailDestination
from prefect_mailroom.channels.email.mime.attachments import Enclosed, enclose
from prefect_mailroom.channels.email.mime.parts import POLICY, image_part, multipart, text_part
from prefect_mailroom.channels.email.texts.footer import footer_of
from prefect_mailroom.channels.email.texts.words import html_body, notices_of, plain_body, subject_of, words_of
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text.addresses import mail_address


def message_id(key: str, domain: str) -> str:
    """Return the Message-ID of a parcel: the same for every attempt, so that mail systems can tell a repeat."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


def thread_id(parcel: Parcel, domain: str) -> str:
    """Return the id that all mails of a schedule, or of a `thread`, to one recipient refer to, as one conversation.

    No mail has this id itself, so whichever mail a reader keeps, the conversation holds.
    """
    about = parcel.facts.get("thread") or (parcel.facts.get("schedule") or {}).get("id", "")
    root = f"thread:{about}:{parcel.destination.connection}:{parcel.recipient.lower()}"
    return message_id(root, domain)


@dataclass(frozen=True, slots=True)
class Sender:
    """The person or system that a mail comes from; `reply_to` is empty where replies go to the address itself."""

    address: Address
    reply_to: str = ""


def build(
    parcel: Parcel, destination: EmailDestination, sender: Sender, *, max_bytes: int, date: datetime | None = None
) -> bytes:
    """Return the whole mail: mixed(alternative(text, related(html, images)), attachments), with CRLF.

    No line is longer than 998 bytes, and all of them are ASCII.

    Args:
        max_bytes: for the attachments together as they are attached, before base64 adds its third.

    Raises:
        Refused: the attachments are larger than that, and there are no links to send instead.
        ConfigurationError: subject or text use a variable that has no value here, or links are wanted and none exist.
    """
    has_html = bool(parcel.html) and destination.body != "text"
    enclosed = enclose(parcel, destination, max_bytes=max_bytes, shows_pictures=has_html and destination.body == "full")
    fixed = _fixed_headers(
        destination.from_name or sender.address.display_name,
        sender.address.addr_spec,
        tuple(destination.to),
        tuple(destination.cc),
        _reply_to(parcel, destination, sender),
        subject_of(parcel, destination),
    )
    own = _own_headers(parcel, destination, sender.address.domain, date or localtime())
    return b"".join([fixed, own, *_content(parcel, destination, enclosed, has_html=has_html)])


def _content(parcel: Parcel, destination: EmailDestination, enclosed: Enclosed, *, has_html: bool) -> list[bytes]:
    """Return the mail behind its own headers, in pieces."""
    name = hashlib.sha256(parcel.key.encode()).hexdigest()[:24]
    words, notices, footer = words_of(parcel, destination), notices_of(parcel, enclosed), footer_of(parcel, destination)
    content = [text_part("plain", plain_body(parcel, words, notices, enclosed, footer))]
    if has_html:
        html = html_body(parcel, words, notices, enclosed, footer, kind=destination.body)
        shown = [text_part("html", html)]
        images = [image_part(image) for image in parcel.images] if destination.body == "full" else []
        if pictures := [*images, *(file.part for file in enclosed.shown)]:
            parts = [shown, *([picture.content] for picture in pictures)]
            shown = multipart("related", f"related_{name}", parts, options='; type="text/html"')
        content = multipart("alternative", f"alternative_{name}", [content, shown])
    if enclosed.attached:
        content = multipart("mixed", f"mixed_{name}", [content, *([part.content] for part in enclosed.attached)])
    return content


def _reply_to(parcel: Parcel, destination: EmailDestination, sender: Sender) -> str:
    """Return where answers go: what the schedule says, else its owner, else what the connection says."""
    owner = (parcel.facts.get("owner") or {}).get("email", "")
    try:
        return destination.reply_to or mail_address(owner)
    except ValueError:
        # The owner may be a program, which has no address that takes mail.
        return sender.reply_to


@functools.lru_cache(maxsize=64)
def _fixed_headers(
    from_name: str, from_address: str, to: tuple[str, ...], cc: tuple[str, ...], reply_to: str, subject: str
) -> bytes:
    """Return the headers that all mails of a destination share. Kept, since encoding them takes long."""
    mail = EmailMessage(policy=POLICY)
    mail["From"] = Address(from_name, addr_spec=from_address)
    if to:
        mail["To"] = [Address(addr_spec=address) for address in to]
    if cc:
        mail["Cc"] = [Address(addr_spec=address) for address in cc]
    if reply_to:
        mail["Reply-To"] = Address(addr_spec=reply_to)
    mail["Subject"] = subject
    mail["Auto-Submitted"] = "auto-generated"
    mail["MIME-Version"] = "1.0"
    return mail.as_bytes().rstrip(b"\r\n") + b"\r\n"


def _own_headers(parcel: Parcel, destination: EmailDestination, domain: str, date: datetime) -> bytes:
    """Return the headers of this mail alone."""
    lines = [f"Date: {format_datetime(date)}", f"Message-ID: {message_id(parcel.key, domain)}"]
    if destination.thread == "one":
        root = thread_id(parcel, domain)
        lines += [f"In-Reply-To: {root}", f"References: {root}"]
    if parcel.facts.get("kind") == "alert":
        # Exchange answers with its absence notes whatever Auto-Submitted says.
        lines.append("X-Auto-Response-Suppress: All")
    if parcel.unsubscribe_url and destination.each == "recipient":
        _require_plain_address(parcel.unsubscribe_url)
        lines += [
            f"List-Unsubscribe: <{parcel.unsubscribe_url}>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        ]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _require_plain_address(url: str) -> None:
    """Refuse an address that could end the header or be too long for its line; those that Mailroom makes never do."""
    if (
        not url.isascii()
        or len(url) > 900
        or any(not " " < character < "\x7f" or character in "<>" for character in url)
    ):
        raise ConfigurationError(
            "The address for unsubscribing cannot stand in a mail's header.",
            remedy="Set MAILROOM's public address to a plain URL in ASCII.",
            field="unsubscribe_url",
        )
