"""Say what the end of an attempt tells of its connection. Pure."""

from __future__ import annotations

from mailroom.connections.breaker.decide import Sign
from prefect_mailroom.channels.base import Receipt
from prefect_mailroom.errors import (
    ConfigurationError,
    Gone,
    MailroomError,
    OutcomeUnknown,
    Refused,
    RetryLater,
    TargetForbidden,
)


class NobodyKnows(RetryLater):
    """Our own side could not say whether the parcel may leave, so it stayed here; the far side has no part in it."""


def sign_of(outcome: Receipt | MailroomError) -> Sign | None:
    """Return what an attempt says of its connection, or None where it says nothing, as where we took it back.

    A far side that refuses a recipient, or lets one wait, has answered: the connection works.
    """
    match outcome:
        case Gone():
            return Sign.GONE
        case NobodyKnows() | TargetForbidden():
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
