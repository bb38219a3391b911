"""Mail addresses: which ones are accepted, and when two are the same. Nothing here imports Prefect."""

from __future__ import annotations

from collections.abc import Iterable

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from prefect_mailroom.text.filenames import is_hostile

_MAX_CHARACTERS = 320
_STAND_IN = ".example.com"


def mail_address(text: str) -> str:
    """Return the address with its domain in lower case and, where it has other letters, in its IDNA 2008 form.

    Domains inside a company, such as `mail.corp.local`, are accepted: the connection's server decides.

    Raises:
        ValueError: nothing can be sent to it; says why.
    """
    shown = "".join("\N{REPLACEMENT CHARACTER}" if is_hostile(character) else character for character in text[:80])
    if any(is_hostile(character) or character.isspace() for character in text):
        raise ValueError(f"'{shown}' contains a blank, line break or control character")
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"'{shown}' is longer than {_MAX_CHARACTERS} characters")
    local, at, domain = text.rpartition("@")
    if not at or not local:
        raise ValueError(f"'{shown}' is not of the form name@domain")
    # email-validator refuses .local and its like in every mode; below a stand-in it checks all but that.
    tail = _STAND_IN if _is_special(domain) else ""
    try:
        found = validate_email(
            f"{text}{tail}",
            allow_smtputf8=False,
            check_deliverability=False,
            globally_deliverable=False,
            strict=True,
        )
    except EmailNotValidError as error:
        raise ValueError(f"'{shown}' is not a valid mail address: {str(error).rstrip('.')}") from None
    assert found.ascii_email is not None, "without SMTPUTF8 every valid address has an ASCII form"
    return found.ascii_email.removesuffix(tail)


def _is_special(domain: str) -> bool:
    return any(f".{domain}".lower().endswith(f".{name}") for name in SPECIAL_USE_DOMAIN_NAMES)


def without_repeats(addresses: Iterable[str]) -> list[str]:
    """Return the addresses in order, each once. Domains compare without case, names before the @ as they are."""
    kept: dict[tuple[str, str], str] = {}
    for address in addresses:
        local, _, domain = address.rpartition("@")
        kept.setdefault((local, domain.lower()), address)
    return list(kept.values())
