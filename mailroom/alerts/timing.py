"""Decide when an alert is sent, when it is tried again, and when its route is given up. Pure.

An alert is worth little when it comes late, so a route has half a minute; then the next one is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mailroom.incidents.spec import Severity
from mailroom.notifications.kinds import Route
from mailroom.setting_groups.alerts import read_span
from prefect_mailroom.errors import MailroomError, OutcomeUnknown, Retryable

PAUSES = (2.0, 6.0, 15.0)
"""Seconds before the second, the third and the fourth attempt, which is the last."""
MOST_ATTEMPTS = len(PAUSES) + 1
LONGEST_WAIT = 30.0
"""A far side that asks for a longer wait than this many seconds is given up at once."""
LEASE = timedelta(seconds=60)
"""An attempt belongs to the process that began it for this long, which is longer than any can take."""
ATTEMPT_SECONDS = 20.0
"""One attempt may take this many seconds at the far side."""
LOOK_AGAIN = timedelta(seconds=3)
"""The end of an incident waits so long for the outcome of the alert that it follows."""


@dataclass(frozen=True, slots=True)
class Again:
    """The alert is tried again at this time."""

    at: datetime


def after_error(error: MailroomError, attempts: int, *, now: datetime) -> Again | None:
    """Return when an alert is tried again whose attempt has failed; None: its route is given up.

    Args:
        attempts: how many there were, with the one that has failed.
    """
    if not isinstance(error, Retryable) or attempts >= MOST_ATTEMPTS:
        return None
    asked = error.not_before or 0.0
    if asked > LONGEST_WAIT:
        return None
    return Again(now + timedelta(seconds=max(asked, PAUSES[attempts - 1])))


def may_have_arrived(error: MailroomError) -> bool:
    """Tell whether the far side may have an alert in spite of the error."""
    return isinstance(error, OutcomeUnknown)


def first_attempt(route: Route, severity: Severity, quiet_hours: str, zone: str, *, now: datetime) -> datetime:
    """Return when an alert is sent first: at once, or after the quiet hours, where it wakes nobody.

    Quiet hours hold back mails and requests about what is not critical. What stands in the application waits for its
    reader anyway.
    """
    if not quiet_hours or route is Route.IN_APP or severity is Severity.CRITICAL:
        return now
    begins, ends = read_span(quiet_hours)
    local = now.astimezone(ZoneInfo(zone))
    at = local.time().replace(tzinfo=None)
    quiet = begins <= at < ends if begins < ends else at >= begins or at < ends
    if not quiet:
        return now
    end = local.replace(hour=ends.hour, minute=ends.minute, second=0, microsecond=0, fold=0)
    if at >= ends:
        end += timedelta(days=1)
    return max(end.astimezone(now.tzinfo), now)
