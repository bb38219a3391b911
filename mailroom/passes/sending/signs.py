"""Name the ends that an attempt comes to by our own doing, and say what any end tells of its connection. Pure."""

from __future__ import annotations

from mailroom.connections.breaker.decide import Sign
from mailroom.executions.reason_words import words
from mailroom.executions.reasons import Reason
from prefect_mailroom.channels.base import Receipt
from prefect_mailroom.errors import (
    ConfigurationError,
    Gone,
    MailroomError,
    OutcomeUnknown,
    Refused,
    RetryLater,
    TargetForbidden,
    Withdrawn,
)


class NotAllowed(Withdrawn):
    """The right to send has gone; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(words(reason))
        self.reason = reason


class NobodyKnows(RetryLater):
    """Our own side could not say whether the parcel may leave, so it stayed here; the far side has no part in it."""


class LinksLater(RetryLater):
    """The store did not keep the files for links; nothing has left, and the connection that sends has no part in it."""


class LinksImpossible(ConfigurationError):
    """The store gives no links as it is set up; nothing has left, and the connection that sends has no part in it."""


def sign_of(outcome: Receipt | MailroomError) -> Sign | None:
    """Return what an attempt says of its connection, or None where it says nothing, as where we took it back.

    A far side that refuses a recipient, or lets one wait, has answered: the connection works.
    """
    match outcome:
        case Gone():
            return Sign.GONE
        case NobodyKnows() | TargetForbidden() | LinksLater() | LinksImpossible():
            return None
        case Receipt() | Refused():
            return Sign.WORKS
        case RetryLater():
            return Sign.WORKS if outcome.of_recipient else Sign.FAILS
        case OutcomeUnknown() | ConfigurationError():
            return Sign.FAILS
    return None


def is_refused(outcome: Receipt | MailroomError) -> bool:
    """Tell whether the far side refused how we came, such as a password: trying it often could lock an account."""
    return isinstance(outcome, ConfigurationError)
