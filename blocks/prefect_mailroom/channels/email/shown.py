"""Read a mail as its reader's mail program would, from the bytes that would be sent. Pure."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.policy import default

from prefect_mailroom.channels.shown import Shown, ShownFile

_CONTENT_ID = re.compile(r"""(?<=["'])cid:([^"'<>\s]+)(?=["'])""")


def shown(raw: bytes, hidden: Sequence[str] = ()) -> Shown:
    """Return what a reader sees of a mail.

    Args:
        hidden: recipients who are named nowhere in it.
    """
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage), "the default policy makes no other"
    html = mail.get_body(("html",))
    text = mail.get_body(("plain",))
    return Shown(
        sender=str(mail["From"]),
        to=_addresses(mail, "To"),
        cc=_addresses(mail, "Cc"),
        hidden=tuple(hidden),
        answers_to=str(mail["Reply-To"] or ""),
        subject=str(mail["Subject"]),
        text=_content(text).replace("\r\n", "\n"),
        html=_CONTENT_ID.sub(_in_place(mail), _content(html)),
        files=tuple(
            ShownFile(part.get_filename() or "", len(_bytes(part)))
            for part in mail.walk()
            if part.get_filename() and not part["Content-ID"]
        ),
    )


def _addresses(mail: EmailMessage, header: str) -> tuple[str, ...]:
    found = mail[header]
    return tuple(str(address.addr_spec) for address in found.addresses) if found else ()


def _content(part: MIMEPart | None) -> str:
    return str(part.get_content()) if part is not None else ""


def _bytes(part: object) -> bytes:
    assert isinstance(part, EmailMessage), "the default policy makes no other"
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _in_place(mail: EmailMessage) -> Callable[[re.Match[str]], str]:
    """Return what gives each picture of a mail as a data address, which a sandboxed frame may show."""
    parts = {str(part["Content-ID"]).strip("<>"): part for part in mail.walk() if part["Content-ID"]}

    def address(found: re.Match[str]) -> str:
        part = parts.get(found[1])
        if part is None:
            return found[0]
        return f"data:{part.get_content_type()};base64,{b64encode(_bytes(part)).decode('ascii')}"

    return address
