"""Mail addresses: what is accepted, and how two are the same. Nothing here imports Prefect."""

from __future__ import annotations

import re
from collections.abc import Iterable

from prefect_mailroom.text.filenames import is_hostile

# RFC 5321 without quoted local parts and address literals, which no mailbox that reads reports has.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def mail_address(text: str) -> str:
    """The address with its domain in lower case and, where it has other letters, in its IDNA form.

    Raises:
        ValueError: it is no address that can be sent to; says why.
    """
    shown = "".join("\N{REPLACEMENT CHARACTER}" if is_hostile(character) else character for character in text[:80])
    if any(is_hostile(character) or character.isspace() for character in text):
        raise ValueError(f"'{shown}' holds a blank, line break or control character")
    local, at, domain = text.rpartition("@")
    if not at or not local:
        raise ValueError(f"'{shown}' is not of the form name@domain")
    if len(local) > 64 or not _LOCAL.fullmatch(local):
        raise ValueError(f"'{shown}' has a name before the @ that cannot be sent to; plain ASCII is needed there")
    try:
        ascii_domain = domain.encode("idna").decode().lower()
    except UnicodeError:
        raise ValueError(f"'{shown}' has a domain that cannot exist") from None
    if len(ascii_domain) > 253 or not all(_LABEL.fullmatch(label) for label in ascii_domain.split(".")):
        raise ValueError(f"'{shown}' has a domain that cannot exist")
    return f"{local}@{ascii_domain}"


def without_repeats(addresses: Iterable[str]) -> list[str]:
    """The addresses in order, each once. Domains compare without case; what stands before the @ compares as it is."""
    found: dict[tuple[str, str], str] = {}
    for address in addresses:
        local, _, domain = address.rpartition("@")
        found.setdefault((local, domain.lower()), address)
    return list(found.values())
