"""Decide what was due, and what becomes of an occurrence that nothing has begun. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailroom.executions.policy import CATCH_UP_MOST, GRACE_SECONDS, Policy
from mailroom.executions.reasons import Reason, ReasonCode, because
from mailroom.states import ExecutionState
from mailroom.timing import BusinessCalendar, Timing, occurrences


@dataclass(frozen=True, slots=True)
class Known:
    """An occurrence in the ledger. `handed_over` says that a flow run has it, `held` that a stop kept it back."""

    execution_id: str
    due_at: datetime
    status: ExecutionState
    handed_over: bool
    held: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """An occurrence that the ledger lacks, and how it goes in: pending, or missed or skipped with its reason."""

    due_at: datetime
    status: ExecutionState
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """An occurrence that is pending in the ledger and will not be begun any more."""

    execution_id: str
    due_at: datetime
    status: ExecutionState
    reason: Reason


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts of a schedule: missing entries, what to close, and when it is due next after `until`."""

    until: datetime
    next_run: datetime | None
    entries: list[Entry] = field(default_factory=list)
    closes: list[Close] = field(default_factory=list)


def reckon(
    timing: Timing,
    policy: Policy,
    business: BusinessCalendar,
    *,
    after: datetime,
    until: datetime,
    now: datetime,
    known: Sequence[Known] = (),
    ended: Reason | None = None,
) -> Accounts:
    """Compare what was due in (after, until] with the ledger.

    Args:
        known: the schedule's scheduled occurrences of that period, and every pending one.
        ended: why the schedule ends at `until` (paused, deleted, suspended); what waits is then skipped for that.
    """
    due = list(occurrences(timing, after, business, until=until))
    following = next(occurrences(timing, until, business), None)
    there = {one.due_at for one in known}
    missing = [moment for moment in due if moment not in there]
    waiting = [one for one in known if one.status is ExecutionState.PENDING]
    newest = max([*due, *there, *([following] if following and following <= now else [])], default=None)
    free = [one.due_at for one in waiting if not one.handed_over]
    fates = _fates([*missing, *free], policy, now=now, newest=newest)
    entries = []
    for moment in missing:
        reason = fates[moment]
        if reason:
            entries.append(Entry(moment, ExecutionState.MISSED, reason))
        elif ended:
            entries.append(Entry(moment, ExecutionState.SKIPPED, ended))
        else:
            entries.append(Entry(moment, ExecutionState.PENDING))
    closes = []
    for one in waiting:
        reason = expired(one.due_at, policy, now=now, held=one.held) if one.handed_over else fates[one.due_at]
        if reason:
            closes.append(Close(one.execution_id, one.due_at, ExecutionState.MISSED, reason))
        elif ended:
            closes.append(Close(one.execution_id, one.due_at, ExecutionState.SKIPPED, ended))
    return Accounts(until, following, entries, closes)


def expired(due_at: datetime, policy: Policy, *, now: datetime, held: bool = False) -> Reason | None:
    """Return why an occurrence that has not begun is too late by now; None where it is not.

    Args:
        held: whether a stop kept it back.
    """
    if now - due_at > policy.expires_after:
        code = ReasonCode.EXPIRED_STOPPED if held else ReasonCode.NOT_BEGUN_EXPIRED
        return because(code, limit=policy.expires_after)
    return None


def _fates(
    moments: Iterable[datetime], policy: Policy, *, now: datetime, newest: datetime | None
) -> dict[datetime, Reason | None]:
    """Return why each will not be run any more; None where it will."""
    fates: dict[datetime, Reason | None] = {}
    left = CATCH_UP_MOST
    for moment in sorted(moments, reverse=True):
        reason = expired(moment, policy, now=now)
        if not reason and policy.catchup == "none" and now - moment > timedelta(seconds=GRACE_SECONDS):
            reason = because(ReasonCode.NOT_BEGUN_NO_CATCH_UP, grace=GRACE_SECONDS)
        if not reason and policy.catchup == "latest" and newest and newest > moment:
            reason = because(ReasonCode.NOT_BEGUN_REPLACED, due_at=newest)
        if not reason and left == 0:
            reason = because(ReasonCode.NOT_BEGUN_TOO_MANY, most=CATCH_UP_MOST)
        if not reason:
            left -= 1
        fates[moment] = reason
    return fates
