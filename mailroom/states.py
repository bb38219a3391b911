"""The states of everything that has one, with a paragraph each and the transitions that are allowed.

Schedule:   active <-> paused, active -> suspended -> active, active -> finished, any -> deleted
Execution:  pending -> running -> success | partial | failed | cancelled
            running -> retrying -> running;  pending -> skipped | missed
            partial | failed -> running, when a person asks for another try
Delivery:   pending -> sending -> delivered | unknown | refused | failed;  unknown | failed -> sending
            unknown -> delivered, when the receipt comes late;  pending | unknown | failed -> suppressed
"""

from __future__ import annotations

from enum import StrEnum


class ScheduleState(StrEnum):
    """Whether a schedule fires.

    active: it fires. paused: a person stopped it; nothing fires and nothing leaves. suspended: we stopped it after
    repeated failures; a person resumes it. finished: no occurrence is left. deleted: gone for users, kept as proof.
    """

    ACTIVE = "active"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    FINISHED = "finished"
    DELETED = "deleted"


class ExecutionState(StrEnum):
    """How far the work on an occurrence is.

    pending: known, not begun; it may wait for its start, or for another to end. running: a flow run works on it.
    retrying: some delivery waits for its next try; no slot is held. success: every delivery is confirmed. partial: some
    are, the rest never will be. failed: none is. cancelled: a person stopped it, or a later one took its place.
    skipped: a gate was closed (paused, overlap, condition). missed: it was too late.
    """

    PENDING = "pending"
    RUNNING = "running"
    RETRYING = "retrying"
    SUCCESS = "success"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    MISSED = "missed"

    @property
    def ended(self) -> bool:
        """Whether nothing more happens unless a person asks."""
        return self not in {ExecutionState.PENDING, ExecutionState.RUNNING, ExecutionState.RETRYING}


class DeliveryState(StrEnum):
    """What is known of one artifact set on its way to one recipient.

    pending: not tried. sending: an attempt was committed and may have left. delivered: the far side confirmed; final.
    unknown: it left and no answer came. refused: the far side says no for good. failed: tried, not accepted; tried
    again while attempts are left. suppressed: we must not send it (no longer allowed, unsubscribed).
    """

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


class SyncState(StrEnum):
    """Whether Prefect shows what we want: synced, pending (will be written), error (a person must look)."""

    SYNCED = "synced"
    PENDING = "pending"
    ERROR = "error"


class ExecutionKind(StrEnum):
    """Why an execution exists: its time came, someone tests it, asks for it now, or backfills a past due time."""

    SCHEDULED = "scheduled"
    TEST = "test"
    RUN_NOW = "run_now"
    BACKFILL = "backfill"


_S, _E, _D = ScheduleState, ExecutionState, DeliveryState
_ALLOWED: dict[StrEnum, frozenset[StrEnum]] = {
    _S.ACTIVE: frozenset({_S.PAUSED, _S.SUSPENDED, _S.FINISHED, _S.DELETED}),
    _S.PAUSED: frozenset({_S.ACTIVE, _S.FINISHED, _S.DELETED}),
    _S.SUSPENDED: frozenset({_S.ACTIVE, _S.PAUSED, _S.DELETED}),
    _S.FINISHED: frozenset({_S.ACTIVE, _S.DELETED}),
    _S.DELETED: frozenset(),
    _E.PENDING: frozenset({_E.RUNNING, _E.SKIPPED, _E.MISSED, _E.CANCELLED, _E.FAILED}),
    _E.RUNNING: frozenset({_E.SUCCESS, _E.PARTIAL, _E.FAILED, _E.CANCELLED, _E.RETRYING, _E.SKIPPED, _E.MISSED}),
    _E.RETRYING: frozenset({_E.RUNNING, _E.CANCELLED, _E.FAILED, _E.PARTIAL}),
    _E.SUCCESS: frozenset(),
    _E.PARTIAL: frozenset({_E.RUNNING}),
    _E.FAILED: frozenset({_E.RUNNING}),
    _E.CANCELLED: frozenset({_E.RUNNING}),
    _E.SKIPPED: frozenset(),
    _E.MISSED: frozenset(),
    _D.PENDING: frozenset({_D.SENDING, _D.SUPPRESSED}),
    _D.SENDING: frozenset({_D.DELIVERED, _D.UNKNOWN, _D.REFUSED, _D.FAILED}),
    _D.UNKNOWN: frozenset({_D.SENDING, _D.DELIVERED, _D.SUPPRESSED}),
    _D.FAILED: frozenset({_D.SENDING, _D.SUPPRESSED}),
    _D.DELIVERED: frozenset(),
    _D.REFUSED: frozenset({_D.SENDING}),
    _D.SUPPRESSED: frozenset(),
}


def may_become(now: StrEnum, then: StrEnum) -> bool:
    """Whether a thing in state `now` may go to state `then`; staying where it is is always allowed."""
    return now == then or then in _ALLOWED[now]
