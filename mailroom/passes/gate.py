"""The gate decides whether an execution may go on, and what becomes of the others of its schedule. Pure.

First whether anything may leave at all, then the jitter, then whether it is too late, and the overlap last: an
occurrence that does not run anyway must neither wait nor cancel another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailroom.executions.policy import CATCH_UP_MOST, GRACE_SECONDS, Policy
from mailroom.executions.reasons import Reason, ReasonCode, because
from mailroom.passes.stopping.decide import LOOK_WHILE_STOPPED, stopped_by, stopped_too_long
from mailroom.recipients.spec import is_erased
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.stop_tables import Stop

LOOK_AGAIN = (timedelta(seconds=10), timedelta(minutes=1))
"""Least and most time between two looks at whether the one waited for has ended; a tenth of the wait so far."""

_LONGEST_LOOK = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Another scheduled execution of the schedule that has not ended: it is worked on, or waits for one that is.

    `next_pass_at` is when it tries again, where it does.
    """

    id: str
    due_at: datetime
    waits: bool = False
    next_pass_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that the gate looks at.

    Attributes:
        starts_at: the due time plus its jitter; see `start_of`.
        later_pass: whether an earlier pass over this execution was let in.
        newer: later occurrences that are due by now, the next one first; none beyond `CATCH_UP_MOST` + 1 are needed.
        others: everything else of the schedule that has not ended.
        waited: whether it waited for another already. It came in time then, and only its expiry counts.
        expires_at: when it has expired, if it waits for a stop to be lifted.
        stop: the stop that keeps all of it from leaving.
        was_held: whether a stop held it already. It came in time then, so that `catchup: none` does not end it.
    """

    kind: ExecutionKind
    schedule_state: ScheduleState
    owner_active: bool
    due_at: datetime
    starts_at: datetime
    now: datetime
    policy: Policy
    newer: Sequence[datetime] = ()
    others: Sequence[Unfinished] = ()
    waited: bool = False
    later_pass: bool = False
    expires_at: datetime | None = None
    stop: Stop | None = None
    was_held: bool = False


@dataclass(frozen=True, slots=True)
class Open:
    """The execution goes on, once those that it `cancels` (ids) are cancelled."""

    cancels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """The execution gives its slot back and asks again at `until`.

    `behind` is the execution that it waits for, `held_by` the stop.
    """

    until: datetime
    reason: Reason
    behind: str | None = None
    held_by: str | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """The execution ends here as `state` for `reason`."""

    state: ExecutionState
    reason: Reason


def start_of(schedule_id: str, due_at: datetime, jitter: timedelta) -> datetime:
    """Return when an occurrence starts: its due time and whole seconds less than `jitter`, always the same ones.

    Lateness is counted from here: the delay up to here was asked for.
    """
    digest = hashlib.sha256(f"{schedule_id}:{due_at.timestamp():.0f}".encode()).digest()
    return due_at + timedelta(seconds=int(jitter.total_seconds() * int.from_bytes(digest[:4]) / 2**32))


def may_send(kind: ExecutionKind, schedule_state: ScheduleState, *, owner_active: bool) -> Closed | None:
    """Return why nothing may leave for this schedule at this moment, or None where it may.

    A test may while it is paused. A finished schedule has no due time left; what was due is still delivered.
    """
    allowed = {ScheduleState.ACTIVE}
    if kind is not ExecutionKind.RUN_NOW:
        allowed.add(ScheduleState.FINISHED)
    if kind is ExecutionKind.TEST:
        allowed |= {ScheduleState.PAUSED, ScheduleState.SUSPENDED}
    if schedule_state not in allowed:
        return Closed(ExecutionState.SKIPPED, because(ReasonCode.SCHEDULE_NOT_ACTIVE, state=schedule_state))
    if not owner_active:
        return Closed(ExecutionState.SKIPPED, because(ReasonCode.OWNER_INACTIVE))
    return None


def may_get(recipient: str, suppression: str | None, *, unsubscribed: bool = False) -> Reason | None:
    """Return why nothing is sent to this recipient, or None where something may be.

    Args:
        suppression: the entry of the list that the recipient is on.
        unsubscribed: whether the recipient wants nothing of this schedule.
    """
    if is_erased(recipient):
        return because(ReasonCode.RECIPIENT_ERASED)
    if suppression is None and unsubscribed:
        return because(ReasonCode.RECIPIENT_UNSUBSCRIBED)
    return None if suppression is None else because(ReasonCode.RECIPIENT_SUPPRESSED, entry=suppression)


def gate(situation: Situation) -> Open | Wait | Closed:
    """Decide what becomes of the execution now: exactly one of the three.

    A later pass is let in whatever changed since the first; each attempt asks again whether anything may leave.
    """
    if situation.later_pass:
        return _held(situation) or Open()
    closed = may_send(situation.kind, situation.schedule_state, owner_active=situation.owner_active)
    if closed:
        return closed
    if situation.kind is not ExecutionKind.SCHEDULED:
        return _held(situation) or Open()
    delay = situation.starts_at - situation.due_at
    if delay and situation.now < situation.starts_at:
        return Wait(situation.starts_at, because(ReasonCode.JITTER, delay=delay))
    return _too_late(situation) or _held(situation) or _overlap(situation)


def _held(situation: Situation) -> Wait | Closed | None:
    """Let it wait for a stop to be lifted until it has expired."""
    stop, expires_at = situation.stop, situation.expires_at
    if stop is None or expires_at is None:
        return None
    if situation.now > expires_at:
        state = ExecutionState.FAILED if situation.later_pass else ExecutionState.MISSED
        return Closed(state, stopped_too_long(situation.policy.expires_after))
    # A second after it has expired, so that this look records it.
    until = min(situation.now + LOOK_WHILE_STOPPED, expires_at + timedelta(seconds=1))
    return Wait(until, stopped_by(stop), held_by=stop.id)


def _too_late(situation: Situation) -> Closed | None:
    policy, now = situation.policy, situation.now
    if now - situation.due_at > policy.expires_after:
        if situation.was_held:
            return Closed(ExecutionState.MISSED, stopped_too_long(policy.expires_after))
        code = ReasonCode.EXPIRED_WAITING if situation.waited else ReasonCode.EXPIRED
        return Closed(ExecutionState.MISSED, because(code, late=now - situation.due_at, limit=policy.expires_after))
    if situation.waited:
        return None
    late = now - situation.starts_at
    in_time = late.total_seconds() <= GRACE_SECONDS or (situation.was_held and not situation.newer)
    if policy.catchup == "none" and not in_time:
        return Closed(ExecutionState.MISSED, because(ReasonCode.NO_CATCH_UP, late=late))
    if policy.catchup == "latest" and situation.newer:
        return Closed(ExecutionState.MISSED, because(ReasonCode.REPLACED_BY_LATER, due_at=situation.newer[0]))
    if policy.catchup == "all" and len(situation.newer) > CATCH_UP_MOST:
        return Closed(ExecutionState.MISSED, because(ReasonCode.TOO_MANY_LATER, most=CATCH_UP_MOST))
    return None


def _overlap(situation: Situation) -> Open | Wait | Closed:
    others, overlap = situation.others, situation.policy.overlap
    if overlap == "allow":
        return Open()
    if overlap == "cancel_other":
        if newer := next((other for other in others if other.due_at > situation.due_at), None):
            return Closed(ExecutionState.SKIPPED, because(ReasonCode.LATER_UNDER_WAY, execution=newer.id))
        return Open(tuple(other.id for other in others))
    # One that waits for this one, or came after it, is not in its way.
    ahead = [other for other in others if not other.waits or other.due_at < situation.due_at]
    if not ahead:
        return Open()
    if situation.waited or _catching_up(situation, ahead) or (overlap == "buffer_one" and len(others) == 1):
        return _wait(situation, ahead)
    first = next((other for other in ahead if not other.waits), ahead[0])
    reason = because(ReasonCode.OVERLAP, execution=first.id)
    if overlap == "buffer_one":
        queued = next(other for other in others if other is not first)
        reason = because(ReasonCode.QUEUE_FULL, execution=first.id, queued=queued.id)
    return Closed(ExecutionState.SKIPPED, reason)


def _catching_up(situation: Situation, ahead: Sequence[Unfinished]) -> bool:
    """Say whether it is one of several that `catchup: all` runs one after the other, not skipping all but one."""
    late = (situation.now - situation.starts_at).total_seconds() > GRACE_SECONDS
    return situation.policy.catchup == "all" and (late or any(other.waits for other in ahead))


def _wait(situation: Situation, ahead: Sequence[Unfinished]) -> Wait:
    """Look again after a tenth of the wait so far; sooner is useless while the other waits for its own next try."""
    now = situation.now
    blocker = next((other for other in ahead if not other.waits), ahead[0])
    least, most = LOOK_AGAIN
    until = now + min(max((now - situation.starts_at) / 10, least), most)
    if blocker.next_pass_at and not blocker.waits:
        until = max(until, min(blocker.next_pass_at, now + _LONGEST_LOOK))
    # A second after it has expired, so that this look records it.
    until = min(until, situation.due_at + situation.policy.expires_after + timedelta(seconds=1))
    return Wait(until, because(ReasonCode.WAITS_FOR_ANOTHER, execution=blocker.id), blocker.id)
