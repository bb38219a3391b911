"""Define the mails that are told at set times, and the mail that is kept until it has been sent."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

from mailroom.storage.model.upkeep.tellings import READER_NOTICE
from mailroom.storage.tables import Json


class TellingKind(StrEnum):
    """The kind of a mail: the daily digest or weekly summary of a user, or a notice to a reader of a report."""

    DAILY_DIGEST = "daily_digest"
    WEEKLY_SUMMARY = "weekly_summary"
    READER_NOTICE = READER_NOTICE


class TellingState(StrEnum):
    """The state of a mail.

    pending: it is to be sent, or is being sent. sent: the far side has taken it. dropped: it is not wanted any more, or
    no longer true, so it was not sent. failed: it was given up; `error` says why.
    """

    PENDING = "pending"
    SENT = "sent"
    DROPPED = "dropped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one person, as it is kept until it is sent.

    Attributes:
        owner_name, owner_email: who answers go to; both empty where it is the system itself that writes.
        stop_url: the address at which the person stops such mails by one click; empty where there is none.
    """

    to: str
    subject: str
    text: str
    html: str
    stop_url: str = ""
    owner_name: str = ""
    owner_email: str = ""

    def stored(self) -> Json:
        """Return it as its row keeps it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Claim:
    """A mail that is to be claimed: only the first claim of a kind, target and period counts."""

    kind: TellingKind
    target: str
    period: str
    connection: str
    mail: Mail
    schedule_id: str | None = None
    execution_id: str | None = None
