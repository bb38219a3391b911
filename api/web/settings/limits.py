"""Lay out the limits of each kind of user beside each other, and say whose schedules are above them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.web.when import duration
from mailroom.limits.decide import limits_for
from mailroom.limits.spec import Budget, Limits, shown
from mailroom.roles import Role
from mailroom.settings import Settings
from mailroom.storage.tables import User

HEADS = ("Creators", "Admins", "Service accounts")
_BUDGETS = {
    Budget.RUNS: "Runs on demand, an hour",
    Budget.BACKFILLS: "Due times to backfill, an hour",
    Budget.TESTS: "Tests, an hour",
    Budget.PREVIEWS: "Previews, an hour",
}


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A limit: what is limited, and how it is for each kind of user."""

    term: str
    cells: tuple[str, ...]


def limits_of(settings: Settings) -> tuple[LimitRow, ...]:
    """Return the limits of creators, admins and service accounts."""
    kinds = (
        User(role=Role.CREATOR, is_service=False),
        User(role=Role.ADMIN, is_service=False),
        User(role=Role.CREATOR, is_service=True),
    )
    return rows_of([limits_for(user, settings) for user in kinds])


def rows_of(some: Sequence[Limits]) -> tuple[LimitRow, ...]:
    """Return a row for each limit, with a cell for each of these users."""

    def row(term: str, *cells: str) -> LimitRow:
        return LimitRow(term, cells)

    return (
        row("Schedules", *(_number(one.schedules) for one in some)),
        row("Shortest time between runs", *(duration(one.interval.total_seconds()) for one in some)),
        row("Recipients of one mail", *(_number(one.recipients) for one in some)),
        row("Recipients of a schedule", *(_number(one.schedule_recipients) for one in some)),
        *(row(words, *(_number(one.budgets[budget]) for one in some)) for budget, words in _BUDGETS.items()),
        row("Making a report may take", *(duration(one.render_seconds) for one in some)),
        row("Rows of a query", *(_number(one.render_rows) for one in some)),
        row("Size of a file", *(f"{_number(one.file_mb)} MB" for one in some)),
        row("Size of all files of a run", *(_megabytes(one.delivered_mb) for one in some)),
        row("Domains that mails may go to", *(", ".join(one.domains) or "All" for one in some)),
    )


def _number(limit: int) -> str:
    found = shown(limit)
    return f"{found:,}" if isinstance(found, int) else "No limit"


def _megabytes(limit: int) -> str:
    found = _number(limit)
    return found if found == "No limit" else f"{found} MB"
