"""Gate: whether an execution may go on, in DESIGN's order. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reports.schedule_spec import Policy
from reports.states import ExecutionKind, ExecutionState, ScheduleState


@dataclass(frozen=True, slots=True)
class Closed:
    """The execution ends here as `state` for `reason`."""

    state: ExecutionState
    reason: str


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the gate looks at. `newer_due` is a later occurrence already due; `running` an unfinished one."""

    kind: ExecutionKind
    schedule_state: ScheduleState
    owner_active: bool
    due_at: datetime
    now: datetime
    policy: Policy
    newer_due: datetime | None = None
    running: str | None = None


GRACE_SECONDS = 600
"""How late an occurrence may begin before `catchup: none` calls it missed."""


def may_send(kind: ExecutionKind, schedule_state: ScheduleState, *, owner_active: bool) -> Closed | None:
    """Whether anything may leave for this schedule at this moment; a test may while it is paused."""
    allowed = {ScheduleState.ACTIVE}
    if kind is ExecutionKind.TEST:
        allowed |= {ScheduleState.PAUSED, ScheduleState.SUSPENDED, ScheduleState.FINISHED}
    if schedule_state not in allowed:
        return Closed(ExecutionState.SKIPPED, f"The schedule is {schedule_state}.")
    if not owner_active:
        return Closed(ExecutionState.SKIPPED, "The schedule's owner is no longer active.")
    return None


def gate(situation: Situation) -> Closed | None:
    """None where the execution may go on."""
    closed = may_send(situation.kind, situation.schedule_state, owner_active=situation.owner_active)
    if closed or situation.kind is not ExecutionKind.SCHEDULED:
        return closed
    policy = situation.policy
    if situation.running and policy.overlap == "skip":
        return Closed(ExecutionState.SKIPPED, f"Execution {situation.running} of this schedule is not done yet.")
    late = situation.now - situation.due_at
    if late > policy.expires_after:
        return Closed(
            ExecutionState.MISSED, f"It began {late} after its time; it expires after {policy.expires_after}."
        )
    if policy.catchup == "none" and late.total_seconds() > GRACE_SECONDS:
        return Closed(ExecutionState.MISSED, f"It began {late} after its time, and the schedule does not catch up.")
    if policy.catchup == "latest" and situation.newer_due:
        return Closed(ExecutionState.MISSED, f"A later one, due {situation.newer_due.isoformat()}, takes its place.")
    return None
