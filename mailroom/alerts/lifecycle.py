"""Move alerts from state to state: the only place that writes them once they are stored.

An attempt belongs to the process that has begun it for as long as its lease lasts. Whoever goes on with it later counts
it as another attempt, and the first one can write nothing any more.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any

from sqlalchemy import ColumnElement, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.alerts.spec import AlertState
from mailroom.alerts.timing import LEASE, LOOK_AGAIN
from mailroom.incidents.spec import Stage
from mailroom.recipients.spec import is_erased
from mailroom.storage.model.upkeep.incidents import Alert, Incident

LONGEST_ERROR = 1000


class Turn(Enum):
    """Say what becomes of an alert whose time has come."""

    SEND = auto()
    WAIT = auto()
    WITHDRAW = auto()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Hold what decides about an alert besides itself.

    Attributes:
        is_over, is_muted, is_covered: what its incident is now.
        told: the states of the alerts to the same target by the same route that told of the open incident.
    """

    is_over: bool
    is_muted: bool
    is_covered: bool
    told: Collection[AlertState] = ()


def turn_of(alert: Alert, around: Surroundings) -> Turn:
    """Decide about an alert whose time has come. Pure.

    What the far side may have already is sent again, under the same name, until it has confirmed it: its end will be
    told, too. Else nobody is told of what is over, muted, or a part of another incident by now. The end of an incident
    goes to those who were told of it, muted or not; what stands in place of another alert goes on in any case. Nothing
    goes to an address that was erased.
    """
    if is_erased(alert.target):
        return Turn.WITHDRAW
    if alert.stage != Stage.RESOLVED:
        moot = around.is_over or around.is_muted or around.is_covered
        return Turn.WITHDRAW if moot and not alert.in_doubt else Turn.SEND
    if alert.fallback_of is not None or AlertState.SENT in around.told:
        return Turn.SEND
    return Turn.WAIT if AlertState.PENDING in around.told else Turn.WITHDRAW


def surroundings(alert: Alert, incident: Incident, others: Collection[Alert], *, now: datetime) -> Surroundings:
    """Return what decides about an alert. Pure.

    Args:
        others: the alerts that told of the open incident.
    """
    same = [other for other in others if (other.route, other.target) == (alert.route, alert.target)]
    return Surroundings(
        is_over=incident.resolved_at is not None,
        is_muted=incident.muted_until is not None and incident.muted_until > now,
        is_covered=incident.merged_into is not None,
        told={AlertState(other.state) for other in same},
    )


async def begin(session: AsyncSession, alert: Alert, *, now: datetime) -> int | None:
    """Begin an attempt; return its number, or None where another process was first."""
    values = {"attempts": alert.attempts + 1, "next_attempt_at": now + LEASE, "in_doubt": True}
    # Due still: what was read of it before may be older than an attempt that another process has begun since.
    due = Alert.next_attempt_at <= now
    return alert.attempts + 1 if await _move(session, alert, alert.attempts, values, due) else None


async def take_back(session: AsyncSession, alert: Alert, number: int, *, until: datetime) -> bool:
    """Undo the beginning of an attempt, of which nothing has left; the alert comes back at this time."""
    values = {"attempts": number - 1, "next_attempt_at": until, "in_doubt": alert.in_doubt}
    return await _move(session, alert, number, values)


async def wait(session: AsyncSession, alert: Alert, *, now: datetime) -> bool:
    """Look at an alert again a little later."""
    return await _move(session, alert, alert.attempts, {"next_attempt_at": now + LOOK_AGAIN})


async def withdraw(session: AsyncSession, alert: Alert) -> bool:
    """Send an alert not at all."""
    values = {"state": AlertState.WITHDRAWN, "next_attempt_at": None, "in_doubt": False}
    return await _move(session, alert, alert.attempts, values)


async def sent(session: AsyncSession, alert: Alert, number: int, *, now: datetime) -> bool:
    """Note that the far side has confirmed an alert; return whether this attempt still counts."""
    values = {"state": AlertState.SENT, "sent_at": now, "next_attempt_at": None, "error": "", "in_doubt": False}
    return await _move(session, alert, number, values)


async def again(session: AsyncSession, alert: Alert, number: int, why: str, *, at: datetime, in_doubt: bool) -> bool:
    """Note that an attempt failed after which another one is made.

    Args:
        in_doubt: whether the far side may have it from this attempt; from an earlier one it may have it still.
    """
    values = {"next_attempt_at": at, "error": why[:LONGEST_ERROR], "in_doubt": in_doubt or alert.in_doubt}
    return await _move(session, alert, number, values)


async def fail(session: AsyncSession, alert: Alert, number: int, why: str, *, in_doubt: bool) -> bool:
    """Note that the route of an alert could not send it."""
    doubt = in_doubt or alert.in_doubt
    values = {"state": AlertState.FAILED, "next_attempt_at": None, "error": why[:LONGEST_ERROR], "in_doubt": doubt}
    return await _move(session, alert, number, values)


async def _move(
    session: AsyncSession, alert: Alert, attempts: int, values: dict[str, Any], *more: ColumnElement[bool]
) -> bool:
    """Change an alert that waits still, and of which nobody has begun another attempt."""
    same = (Alert.id == alert.id, Alert.state == AlertState.PENDING, Alert.attempts == attempts)
    query = update(Alert).where(*same, *more).values(**values).returning(Alert.id)
    changed = await session.scalars(query, execution_options={"synchronize_session": False})
    return changed.one_or_none() is not None
