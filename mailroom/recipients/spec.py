"""Define what is said of a recipient. Pure.

Two addresses are the same person where they differ in case alone. Mailroom keeps the spelling that users wrote, and
looks people up in lower case: a person who wants no more mail gets none, however the address was typed.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mailroom.errors import Invalid
from prefect_mailroom.text.addresses import mail_address

ERASED = "@erased.invalid"
"""The end of what stands in place of an address that was erased. No mail server delivers to `.invalid` (RFC 2606)."""


def person(address: str) -> str:
    """Return the address by which a person is looked up.

    Raises:
        ValueError: it is no mail address.
    """
    return mail_address(address).lower()


def person_asked(address: str) -> str:
    """Return the address by which a person is looked up, for a request.

    Raises:
        Invalid: it is no mail address.
    """
    try:
        return person(address)
    except ValueError as error:
        raise Invalid.at("address", f"This is no mail address: {error}.") from error


def _suppressed(entry: str) -> str:
    """Return an address or a domain as the list keeps it."""
    return person(f"x{entry}")[1:] if entry.startswith("@") else person(entry)


def _plain(value: str) -> str:
    if not value.isprintable() or not value.strip():
        raise ValueError("the text is blank, or contains a control character or a line break")
    return value.strip()


Why = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_plain)]


class SuppressionSettings(BaseModel):
    """The reason why nothing is sent to an address."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Why = Field(description="Why; the audit trail keeps it, and admins read it.")


class NewSuppression(SuppressionSettings):
    """An address that nothing is ever sent to again."""

    address: Annotated[str, Field(min_length=2, max_length=320), AfterValidator(_suppressed)] = Field(
        description="A mail address, or `@` and a domain for every address there, without the domain's subdomains."
    )


def entries_for(recipient: str) -> list[str]:
    """Return the entries of the list that would keep a delivery to this recipient from leaving."""
    _, at, domain = recipient.lower().rpartition("@")
    return [recipient.lower(), f"@{domain}"] if at else []


def is_erased(recipient: str) -> bool:
    """Tell whether this stands in place of an address that was erased."""
    return recipient.lower().endswith(ERASED)


def pseudonym(address: str, secret: str) -> str:
    """Return what stands in place of an erased address: the same each time, and worth nothing without the secret.

    One spelling has one pseudonym, so that two deliveries of an execution that differ in case stay two.
    """
    digest = hmac.new(secret.encode(), b"mailroom-erased:" + address.encode(), hashlib.sha256).hexdigest()[:24]
    return f"erased-{digest}{ERASED}"
