"""Read a shared access signature: what it lets its holder do, and until when. Pure.

Its fields are those of https://learn.microsoft.com/rest/api/storageservices/create-service-sas.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from prefect_mailroom.errors import ConfigurationError

SOON = timedelta(days=14)
"""A token that ends within this time is worth a word."""
_NEEDED = {"r": "read", "w": "write", "d": "delete"}


@dataclass(frozen=True, slots=True)
class Sas:
    """Hold what stands in a token.

    Attributes:
        ends: None where a policy that the container keeps decides it.
        begins: None where it is good from the beginning.
        permissions: one letter each; empty where a policy decides them.
        of_account: whether it is for the whole account; else for the container.
    """

    ends: datetime | None
    begins: datetime | None
    permissions: str
    of_account: bool

    def said(self, now: datetime) -> str:
        """Return a sentence about its end."""
        if self.ends is None:
            return "A policy of the container decides when the SAS token ends."
        soon = " Enter a new one soon." if self.ends - now < SOON else ""
        return f"The SAS token ends on {self.ends:%Y-%m-%d at %H:%M} UTC.{soon}"


def read(token: str) -> Sas:
    """Return what a token says.

    Raises:
        ValueError: it is none, or none for a container.
    """
    if "://" in token:
        raise ValueError("it is an address; paste only what comes after the question mark")
    told = dict(parse_qsl(token.strip().removeprefix("?")))
    if not told.get("sig") or not (told.get("se") or told.get("si")):
        raise ValueError("it is no SAS token: it has no signature (sig) or no end (se)")
    of_account = "srt" in told
    if of_account and ("b" not in told.get("ss", "") or "o" not in told["srt"]):
        raise ValueError("it is for other services: it needs blobs (ss=b) and objects (srt=o)")
    if not of_account and told.get("sr") not in ("c", "d"):
        raise ValueError("it is for one blob; make one for the container (sr=c)")
    permissions = told.get("sp", "")
    missing = [word for letter, word in _NEEDED.items() if letter not in permissions]
    if missing and "si" not in told:
        raise ValueError(f"it does not permit to {', '.join(missing)}; it needs sp=rwd")
    return Sas(_moment(told.get("se")), _moment(told.get("st")), permissions, of_account)


def refuse_out_of_time(sas: Sas, now: datetime) -> None:
    """Let a token pass that is good now.

    Raises:
        ConfigurationError: it is over, or not good yet.
    """
    if sas.ends is not None and sas.ends <= now:
        what = f"The SAS token ended on {sas.ends:%Y-%m-%d at %H:%M} UTC."
    elif sas.begins is not None and sas.begins > now:
        what = f"The SAS token is not good before {sas.begins:%Y-%m-%d at %H:%M} UTC."
    else:
        return
    raise ConfigurationError(what, remedy="Enter a new one.", field="sas_token")


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("its times cannot be read") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
