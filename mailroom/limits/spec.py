"""Define the limits that hold for one user."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from mailroom.setting_groups.limits import UNLIMITED

HOUR = timedelta(hours=1)
SHOWN_UNLIMITED = "unlimited"


class Budget(StrEnum):
    """The things that a user may ask for so many times within any hour; the value names the limit.

    runs: run-now, and schedules that run at once. backfills: due times that are made good. tests: of schedules and of
    connections. previews: of reports, which are rendered for it.
    """

    RUNS = "runs_an_hour"
    BACKFILLS = "backfills_an_hour"
    TESTS = "tests_an_hour"
    PREVIEWS = "previews_an_hour"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one user; `UNLIMITED` where nothing is counted.

    Attributes:
        interval: the least time between two due times.
        recipients: of one mail; `schedule_recipients`: of all destinations of one schedule together.
        render_seconds, render_rows, file_mb: of one rendering; rows of one query, megabytes of one file.
        delivered_mb: of all files of one execution together.
        domains: where mails may go; empty for everywhere. `*.example.com` covers what is below example.com.
        contact: whom a refusal tells to ask.
    """

    schedules: int
    interval: timedelta
    recipients: int
    schedule_recipients: int
    budgets: dict[Budget, int]
    render_seconds: float
    render_rows: int
    file_mb: int
    delivered_mb: int
    domains: tuple[str, ...]
    contact: str


def shown(limit: float) -> int | float | str:
    """Return a limit as people read it."""
    return SHOWN_UNLIMITED if limit >= UNLIMITED else limit
