"""Name the states of everything that has one, and define what a table of allowed moves can be asked.

The tables themselves stand beside the code that makes the moves: `schedules/lifecycle.py`, `executions/lifecycle.py`
and `executions/delivery_lifecycle.py`. docs/states.md draws them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from mailroom.errors import Conflict


class ScheduleState(StrEnum):
    """The state of a schedule says whether it runs.

    active: it runs when it is due. paused: a person has stopped it, and nothing is sent. suspended: Mailroom has
    stopped it after several failures, since its report has changed and it does not fit any more, or since its owner may
    not own schedules; a person can resume it. finished: no due time is left. deleted: nothing is sent and lists leave
    it out; for some minutes the deletion can be undone, afterwards users no longer see it and it is kept as proof.
    """

    ACTIVE = "active"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    FINISHED = "finished"
    DELETED = "deleted"


class ExecutionState(StrEnum):
    """The state of an execution says how far the work on an occurrence is.

    pending: it is known and has not begun; it may wait for its start, or for another execution to end. running: a
    flow run works on it. retrying: a delivery, or the rendering, waits for another try; no slot is held meanwhile.
    success: every delivery is confirmed. partial: some deliveries are confirmed, and the others have been given up.
    failed: no delivery is confirmed. cancelled: a person stopped it, or a later execution took its place. skipped:
    a gate was closed, such as by a paused schedule, an overlap or the condition. missed: it was too late.
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
        """Say whether nothing more happens unless a person asks."""
        return self not in {ExecutionState.PENDING, ExecutionState.RUNNING, ExecutionState.RETRYING}


class DeliveryState(StrEnum):
    """The state of a delivery says what is known of one artifact set on its way to one recipient.

    pending: it has not been tried. sending: an attempt was recorded, and may have left. delivered: the far side
    confirmed it; this is final. unknown: it left, and no answer came. refused: the far side said no for good.
    failed: it was tried and not accepted; it is tried again while attempts are left. suppressed: it must not be
    sent, such as where the schedule was stopped or a later execution took its place.
    """

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


class SyncState(StrEnum):
    """The sync state says whether Prefect shows what we want: synced, pending (not yet), error (a person must look)."""

    SYNCED = "synced"
    PENDING = "pending"
    ERROR = "error"


class BreakerState(StrEnum):
    """The state of a connection's breaker says whether deliveries go through it.

    closed: they do. open: too many failed within a few minutes; they wait, and after a while a few are tried.
    half_open: a few are being tried; the others wait. disabled: they wait until a person enables the connection, since
    every trial failed, or since the far side said that it is gone for good.
    """

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    DISABLED = "disabled"


class ExecutionKind(StrEnum):
    """An execution exists since its time came, or someone tests it, asks for it now, backfills a past due time, or
    corrects a wrong one."""

    SCHEDULED = "scheduled"
    TEST = "test"
    RUN_NOW = "run_now"
    BACKFILL = "backfill"
    CORRECTION = "correction"


S = TypeVar("S", bound=StrEnum)
C = TypeVar("C", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Moves(Generic[S, C]):
    """The table of the moves that something may make from one state to another, and of what may cause each.

    The table is the truth: `lifecycle` of the noun asks it at every change, and docs/states.md is made from it.

    Attributes:
        noun: what has the states, for messages.
        table: state -> the state that may follow -> its causes.
    """

    noun: str
    table: Mapping[S, Mapping[S, frozenset[C]]]

    def allows(self, now: S, then: S, cause: C) -> bool:
        """Say whether `cause` may move it from `now` to `then`; it may always stay where it is."""
        return now is then or cause in self.table[now].get(then, frozenset())

    def check(self, now: S, then: S, cause: C) -> None:
        """Refuse a move that the table does not have.

        Raises:
            Conflict: naming both states.
        """
        if not self.allows(now, then, cause):
            raise Conflict(f"The {self.noun} is {now} and cannot become {then}.")

    def sources_of(self, then: S, cause: C) -> tuple[S, ...]:
        """Return the states that `cause` may move to `then`, as the guard of an UPDATE."""
        return tuple(now for now, following in self.table.items() if cause in following.get(then, frozenset()))

    def mermaid(self, first: S, label: Callable[[frozenset[C]], str]) -> str:
        """Draw the table as a Mermaid state diagram.

        Args:
            first: the state that everything begins in.
            label: what an arrow says for its causes; it stays bare where that is empty.
        """
        lines = ["stateDiagram-v2", f"    [*] --> {first}"]
        for now, following in self.table.items():
            for then, causes in following.items():
                said = label(causes)
                lines.append(f"    {now} --> {then}{f': {said}' if said else ''}")
            if not following:
                lines.append(f"    {now} --> [*]")
        return "\n".join(lines)
