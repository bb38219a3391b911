"""Decide which connections are in trouble, and which schedules that covers. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mailroom.connections.breaker.decide import Breaker
from mailroom.incidents.spec import IncidentKind, Severity, Trouble
from mailroom.states import BreakerState

SEVERAL = 3
"""If this many schedules fail through one connection, it is a trouble of the connection, and not of each of them."""
TRIPS = 3
"""If a breaker opened this often in a row, it has been tried, and what is behind it did not come back."""
LONG = timedelta(minutes=5)
"""If a breaker is open for this long, its connection is in trouble, though nobody has tried it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A schedule whose last run failed through a connection: at what moment, and what was wrong.

    `is_source` tells that the connection is what its report reads from.
    """

    connection: str
    schedule_id: str
    at: datetime
    error: str
    is_source: bool = False


def in_trouble(breaker: Breaker | None, failures: Sequence[Failure], *, is_open: bool, now: datetime) -> bool:
    """Tell whether a connection is in trouble.

    Args:
        breaker: its breaker; None where that has never been open.
        failures: the failures since something last went well through the connection.
        is_open: whether it has an open incident, which a breaker that is being tried does not end.
    """
    if len(failures) >= SEVERAL:
        return True
    if breaker is None or breaker.state is BreakerState.CLOSED:
        return False
    if breaker.state is BreakerState.DISABLED:
        return True
    if breaker.state is BreakerState.HALF_OPEN and breaker.succeeded:
        return False
    return bool(is_open or failures or breaker.trips >= TRIPS or breaker.since <= now - LONG)


def troubles(
    breakers: Mapping[str, tuple[Breaker, str]],
    failures: Sequence[Failure],
    went_well: Mapping[str, datetime],
    waiting: Mapping[str, Collection[str]],
    *,
    open_now: Collection[str],
    now: datetime,
) -> list[Trouble]:
    """Return the troubles of connections.

    Args:
        breakers: the breakers that are not closed with their reasons, by connection.
        failures: the failures of schedules through connections.
        went_well: when something last went well through a connection.
        waiting: the ids of the schedules that wait for a connection.
        open_now: the connections with an open incident.
    """
    by_name: dict[str, list[Failure]] = {name: [] for name in breakers}
    for one in failures:
        since = went_well.get(one.connection)
        if since is None or one.at > since:
            by_name.setdefault(one.connection, []).append(one)
    found = []
    for name, own in sorted(by_name.items()):
        breaker, reason = breakers.get(name, (None, ""))
        if in_trouble(breaker, own, is_open=name in open_now, now=now):
            found.append(_trouble(name, breaker, reason, own, waiting.get(name, ())))
    return found


def _trouble(
    name: str, breaker: Breaker | None, reason: str, failures: Sequence[Failure], waiting: Collection[str]
) -> Trouble:
    latest = max(failures, key=lambda one: (one.at, one.schedule_id), default=None)
    failing = {one.schedule_id for one in failures}
    values: dict[str, Any] = {
        "connection": name,
        "state": str(breaker.state) if breaker else str(BreakerState.CLOSED),
        "why": reason or (latest.error if latest else ""),
        "failing": len(failing),
        "waiting": len(set(waiting) - failing),
        "role": "source" if latest is not None and latest.is_source else "channel",
    }
    return Trouble(
        IncidentKind.CONNECTION_FAILING,
        name,
        Severity.CRITICAL,
        values,
        schedule_ids=frozenset(failing) | frozenset(waiting),
    )
