"""When an alert is sent, tried again and given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailroom.alerts.timing import ATTEMPT_SECONDS, LEASE, MOST_ATTEMPTS, PAUSES, after_error, first_attempt
from mailroom.incidents.spec import Severity
from mailroom.notifications.kinds import Route
from prefect_mailroom.errors import ConfigurationError, MailroomError, OutcomeUnknown, Refused, RetryLater

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("attempts", range(1, MOST_ATTEMPTS))
@pytest.mark.parametrize("error", [RetryLater("busy"), OutcomeUnknown("lost")])
def test_what_may_work_later_is_tried_again(error: MailroomError, attempts: int) -> None:
    again = after_error(error, attempts, now=NOW)
    assert again is not None
    assert again.at == NOW + timedelta(seconds=PAUSES[attempts - 1])


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (RetryLater("busy"), MOST_ATTEMPTS),
        (Refused("no"), 1),
        (ConfigurationError("wrong"), 1),
        (RetryLater("in an hour", not_before=3600), 1),
    ],
)
def test_a_route_is_given_up(error: MailroomError, attempts: int) -> None:
    assert after_error(error, attempts, now=NOW) is None


def test_a_far_side_that_asks_for_a_short_wait_gets_it() -> None:
    again = after_error(RetryLater("busy", not_before=20), 1, now=NOW)
    assert again is not None
    assert again.at == NOW + timedelta(seconds=20)


def test_the_next_route_is_taken_within_half_a_minute() -> None:
    assert sum(PAUSES) <= 30


def test_an_attempt_ends_before_its_lease() -> None:
    assert LEASE.total_seconds() > ATTEMPT_SECONDS * 2


@pytest.mark.parametrize(
    ("at", "hours", "until"),
    [
        ("2026-11-26T22:30:00+01:00", "22:00-07:00", "2026-11-27T07:00:00+01:00"),
        ("2026-11-26T06:59:59+01:00", "22:00-07:00", "2026-11-26T07:00:00+01:00"),
        ("2026-11-26T12:15:00+01:00", "12:00-13:00", "2026-11-26T13:00:00+01:00"),
        ("2026-11-26T07:00:00+01:00", "22:00-07:00", "2026-11-26T07:00:00+01:00"),
        ("2026-11-26T21:59:59+01:00", "22:00-07:00", "2026-11-26T21:59:59+01:00"),
        # The night of the change to summer time is an hour shorter, and ends at 07:00 all the same.
        ("2026-03-28T23:00:00+01:00", "22:00-07:00", "2026-03-29T07:00:00+02:00"),
        ("2026-11-26T22:30:00+01:00", "", "2026-11-26T22:30:00+01:00"),
    ],
)
def test_quiet_hours_put_a_mail_off_to_their_end(at: str, hours: str, until: str) -> None:
    now = datetime.fromisoformat(at)
    found = first_attempt(Route.MAIL, Severity.ERROR, hours, "Europe/Berlin", now=now.astimezone(UTC))
    assert found == datetime.fromisoformat(until)


@pytest.mark.parametrize(("route", "severity"), [(Route.IN_APP, Severity.ERROR), (Route.MAIL, Severity.CRITICAL)])
def test_quiet_hours_hold_back_neither_notifications_nor_what_is_critical(route: Route, severity: Severity) -> None:
    assert first_attempt(route, severity, "00:00-23:59", "UTC", now=NOW) == NOW
