"""Decide when an event is tried again. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from prefect_mailroom.channels.retries import STANDARD
from prefect_mailroom.errors import Gone, MailroomError, Refused, TargetForbidden

JITTER = 0.2
"""A delay is longer by up to this share of itself, so that a thousand events do not return in one second."""
_FOR_GOOD = (Refused, Gone, TargetForbidden)


def next_try(error: MailroomError, *, event_id: str, attempts: int, now: datetime, until: datetime) -> datetime | None:
    """Return when an event is tried again; None where it is given up.

    What a delivery would not try again is tried here as well, where a person may mend it within the day: a login, a
    certificate. What the product refuses for good is not.

    Args:
        attempts: how many tries there were.
        until: when it is given up in any case.
    """
    delay = STANDARD.after(attempts)
    if isinstance(error, _FOR_GOOD) or delay is None:
        return None
    share = int.from_bytes(hashlib.sha256(f"{event_id}:{attempts}".encode()).digest()[:4]) / 2**32
    asked = getattr(error, "not_before", None) or 0
    again = now + timedelta(seconds=max(delay * (1 + JITTER * share), asked))
    return again if again <= until else None
