"""Lay out the limits of each kind of user beside each other, and say whose schedules are above them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.web.when import duration
from api.web.words import count
from mailroom.limits.decide import limits_for
from mailroom.limits.spec import Budget, Limits, shown
from mailroom.roles import Role
from mailroom.schedules.limits.beyond import Beyond
from mailroom.settings import Settings
from mailroom.storage.tables import User

HEADS = ("Creators", "Admins", "Service accounts")
_BUDGETS = {
    Budget.RUNS: "Runs on demand, an hour",
    Budget.BACKFILLS: "Due times to backfill, an hour",
    Budget.TESTS: "Tests, an hour",
    Budget.PREVIEWS: "Previews, an hour",
}


_NAMED = 3
"""This many users who are beyond a limit are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A limit: what is limited, how it is for each kind of user, and who of them has more than it allows."""

    term: str
    cells: tuple[str, ...]
    beyond: tuple[str, ...]


def limits_of(settings: Settings, beyond: Sequence[Beyond]) -> tuple[LimitRow, ...]:
    """Return the limits of creators, admins and service accounts, with who is beyond them."""
    kinds = (
        User(role=Role.CREATOR, is_service=False),
        User(role=Role.ADMIN, is_service=False),
        User(role=Role.CREATOR, is_service=True),
    )
    of_kinds = [[one for one in beyond if _is_of(one, user)] for user in kinds]
    return rows_of([limits_for(user, settings) for user in kinds], of_kinds)


def _is_of(one: Beyond, kind: User) -> bool:
    """Tell whether a user is of the same kind; service accounts are one, whatever their role."""
    if one.is_service or kind.is_service:
        return one.is_service == kind.is_service
    return (one.role is Role.ADMIN) == (kind.role is Role.ADMIN)


def rows_of(some: Sequence[Limits], beyond: Sequence[Sequence[Beyond]] = ()) -> tuple[LimitRow, ...]:
    """Return a row for each limit, with a cell for each of these users, and with who of them is beyond it."""

    def row(term: str, *cells: str, name: str = "") -> LimitRow:
        told = [_beyond(name, [one for one in those if one.limit == name]) for those in beyond] or [""] * len(cells)
        return LimitRow(term, cells, tuple(told))

    return (
        row("Schedules", *(_number(one.schedules) for one in some), name="schedules"),
        row("Shortest time between runs", *(duration(one.interval.total_seconds()) for one in some)),
        row("Recipients of one mail", *(_number(one.recipients) for one in some), name="recipients"),
        row(
            "Recipients of a schedule",
            *(_number(one.schedule_recipients) for one in some),
            name="schedule_recipients",
        ),
        *(row(words, *(_number(one.budgets[budget]) for one in some)) for budget, words in _BUDGETS.items()),
        row("Making a report may take", *(duration(one.render_seconds) for one in some)),
        row("Rows of a query", *(_number(one.render_rows) for one in some)),
        row("Size of a file", *(f"{_number(one.file_mb)} MB" for one in some)),
        row("Size of all files of a run", *(_megabytes(one.delivered_mb) for one in some)),
        row(
            "Domains that mails may go to",
            *(", ".join(one.domains) or "All" for one in some),
            name="recipient_domains",
        ),
    )


def _beyond(name: str, those: Sequence[Beyond]) -> str:
    """Return who is beyond a limit, and what becomes of what they have; empty where nobody is."""
    if not those:
        return ""
    used = sum(one.count for one in those)
    match name:
        case "schedules":
            named = [f"{one.email} ({one.count:,})" for one in those[:_NAMED]]
            goes_on = "All of these keep running, and no more can be made."
            return f"{count(len(those), 'user has', 'users have')} more: {_listed(named, len(those))}. {goes_on}"
        case "recipient_domains":
            elsewhere = count(used, "recipient is", "recipients are")
            return f"{elsewhere} elsewhere, in schedules of {_owners(those)}. Nothing is sent there any more."
    more = count(used, "schedule has", "schedules have")
    return f"{more} more, of {_owners(those)}. They keep running, and nobody can be added."


def _owners(those: Sequence[Beyond]) -> str:
    return _listed([one.email for one in those[:_NAMED]], len(those))


def _listed(named: Sequence[str], of: int) -> str:
    others = [count(of - len(named), "other")] if of > len(named) else []
    *first, last = [*named, *others]
    return f"{', '.join(first)} and {last}" if first else last


def _number(limit: int) -> str:
    found = shown(limit)
    return f"{found:,}" if isinstance(found, int) else "No limit"


def _megabytes(limit: int) -> str:
    found = _number(limit)
    return found if found == "No limit" else f"{found} MB"
