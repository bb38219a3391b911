"""Decide which connections are in trouble, and which schedules that covers. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailroom.connections.breaker.decide import Breaker
from mailroom.incidents.spec import IncidentKind, Severity, Trouble
from mailroom.states import BreakerState

SEVERAL = 3
"""If this many schedules fail through one connection, it is a trouble of the connection, and not of each of them."""
TRIPS = 3
"""A breaker that opened so often in a row is in trouble also while it is being tried."""
LEAST_TRIES = 3
"""So many attempts have to fail in a row, with nothing that worked since, before several that wait are a trouble."""


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


@dataclass(frozen=True, slots=True)
class Lately:
    """Say how attempts through a connection ended within the last minutes.

    Attributes:
        failed: how many failed since one last worked.
        worked: whether the last one worked, or its breaker has been closed since.
    """

    failed: int = 0
    worked: bool = False


def in_trouble(
    breaker: Breaker | None,
    failures: Sequence[Failure],
    *,
    is_open: bool,
    waiting: int = 0,
    lately: Lately = Lately(),
) -> bool:
    """Tell whether a connection is in trouble.

    Args:
        breaker: its breaker; None where that is closed.
        failures: the failures since something last went well through the connection.
        is_open: whether it has an open incident. That is not over while its breaker is tried, or while some still wait
            and nothing has worked.
        waiting: how many schedules wait for it.
    """
    if len(failures) >= SEVERAL:
        return True
    if breaker is None or breaker.state is BreakerState.CLOSED:
        in_vain = waiting >= SEVERAL and lately.failed >= LEAST_TRIES
        return in_vain or (is_open and waiting > 0 and not lately.worked)
    if breaker.state is not BreakerState.HALF_OPEN:
        return True
    if breaker.succeeded:
        return False
    return bool(is_open or failures or breaker.trips >= TRIPS)


def troubles(
    breakers: Mapping[str, tuple[Breaker, str]],
    failures: Sequence[Failure],
    went_well: Mapping[str, datetime],
    waiting: Mapping[str, Collection[str]],
    *,
    open_now: Collection[str],
    lately: Mapping[str, Lately] | None = None,
) -> list[Trouble]:
    """Return the troubles of connections.

    Args:
        breakers: the breakers that are not closed with their reasons, by connection.
        failures: the failures of schedules through connections.
        went_well: when something last went well through a connection.
        waiting: the ids of the schedules that wait for a connection.
        open_now: the connections with an open incident.
        lately: how attempts ended lately, by connection.
    """
    tries = lately or {}
    by_name: dict[str, list[Failure]] = {name: [] for name in (*breakers, *tries, *open_now)}
    for one in failures:
        since = went_well.get(one.connection)
        if since is None or one.at > since:
            by_name.setdefault(one.connection, []).append(one)
    found = []
    for name, own in sorted(by_name.items()):
        breaker, reason = breakers.get(name, (None, ""))
        waits, how = waiting.get(name, ()), tries.get(name, Lately())
        if in_trouble(breaker, own, is_open=name in open_now, waiting=len(waits), lately=how):
            found.append(_trouble(name, breaker, reason, own, waits))
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
