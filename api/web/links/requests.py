"""Read what comes by a link in a mail: who uses it, and the fields of a form from a mail provider or from our page."""

from __future__ import annotations

from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from fastapi import Request

from api.http.browser.csrf import FORM
from api.http.rates.middleware import ADDRESS
from api.services import Services
from mailroom.links.visitor import LONGEST_ADDRESS, Visitor

MULTIPART = "multipart/form-data"
_LONGEST_FORM = 16 * 1024
_MOST_FIELDS = 20


def visitor_of(request: Request) -> Visitor:
    """Return who uses a link: behind a listed proxy, the address is the client's."""
    services: Services = request.app.state.services
    address = str(request.scope[ADDRESS])[:LONGEST_ADDRESS]
    return Visitor(address, request.headers.get("user-agent", ""), services.database.now())


async def fields_of(request: Request) -> dict[str, str] | None:
    """Return the fields of a form; None where it is longer than any form for us, or cannot be read.

    RFC 8058 lets mail providers send either kind of form.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            return None
    given = request.headers.get("content-type", "")
    media = given.partition(";")[0].strip().lower()
    try:
        if media == FORM:
            pairs = parse_qsl(bytes(body).decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
            return dict(pairs)
        if media == MULTIPART:
            return _multipart(given, bytes(body))
    except ValueError:  # No UTF-8, or more fields than any form of ours.
        return None
    return None


def _multipart(content_type: str, body: bytes) -> dict[str, str]:
    """Return the fields of a form in parts, which is a MIME message without its first header. Pure.

    Raises:
        ValueError: a field is no UTF-8.
    """
    if "\r" in content_type or "\n" in content_type:
        return {}
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message: Message = BytesParser(policy=HTTP).parsebytes(head + body)
    found: dict[str, str] = {}
    for part in message.get_payload() if message.is_multipart() else []:
        if not isinstance(part, Message) or len(found) == _MOST_FIELDS:
            continue
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found[name] = content.decode().rstrip("\r\n")
    return found
