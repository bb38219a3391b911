"""Decide how the runs of a filled database ended, and write what Mailroom keeps of each. Pure, and always the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from mailroom.executions.history.progress import FileRecord, RenderingRecord
from mailroom.executions.reason_words import words
from mailroom.executions.reasons import Reason, ReasonCode, because
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.database import new_id
from prefect_mailroom.channels.base import Destination

_LATE = timedelta(hours=4)
_FULL = "550 5.2.2 mailbox full"
_STATES = {7: ScheduleState.PAUSED, 57: ScheduleState.PAUSED, 21: ScheduleState.SUSPENDED}
_LAST = {
    3: ExecutionState.PARTIAL,
    21: ExecutionState.FAILED,
    33: ExecutionState.FAILED,
    63: ExecutionState.MISSED,
    71: ExecutionState.SKIPPED,
}


def state_of(number: int) -> ScheduleState:
    """Return the state of a schedule: of a hundred, two are paused and one is suspended."""
    return _STATES.get(number % 100, ScheduleState.ACTIVE)


def ended_as(number: int, back: int) -> ExecutionState:
    """Return how a run ended; `back` is 0 for the last one. Of a hundred schedules, four last runs went wrong."""
    if back == 0 or number % 100 == 21:
        return _LAST.get(number % 100, ExecutionState.SUCCESS)
    return ExecutionState.PARTIAL if (number + 7 * back) % 90 == 0 else ExecutionState.SUCCESS


def execution(
    schedule_id: str, due: datetime, status: ExecutionState, targets: list[tuple[int, str]]
) -> dict[str, Any]:
    """Return a run as its row, of a schedule that sends to these places."""
    began, rendered = due + timedelta(seconds=1), due + timedelta(seconds=3)
    missed = status is ExecutionState.MISSED
    reason = _reason(status, len(targets))
    record = RenderingRecord(
        began_at=began,
        ended_at=rendered,
        taken_up=True,
        rows=1200,
        files=(FileRecord(format="csv", ready=True, began_at=began, ended_at=rendered, rows=1200),),
    )
    return {
        "id": new_id(),
        "schedule_id": schedule_id,
        "kind": ExecutionKind.SCHEDULED,
        "due_at": due,
        "status": status,
        "reason": words(reason),
        "reason_code": str(reason.code),
        "reason_values": dict(reason.values),
        "started_at": None if missed else began,
        "completed_at": due + (_LATE if missed else timedelta(seconds=5)),
        "rendering": None if missed else record.stored(),
        "pass_count": 0 if missed else 1,
        "created_at": due,
    }


def _reason(status: ExecutionState, total: int) -> Reason:
    if status is ExecutionState.MISSED:
        return because(ReasonCode.EXPIRED, late=_LATE, limit=_LATE)
    if status is ExecutionState.SKIPPED:
        return because(ReasonCode.NO_ROWS)
    if status is ExecutionState.SUCCESS:
        return because(ReasonCode.DELIVERED, delivered=total, total=total)
    failed = total if status is ExecutionState.FAILED else 1
    return because(ReasonCode.NOT_ALL_DELIVERED, delivered=total - failed, total=total, states=f"{failed} failed")


def places(targets: list[Destination], number: int) -> list[tuple[int, str]]:
    """Return the position of its destination and the address or path of each delivery of a schedule."""
    return [
        (position, place)
        for position, target in enumerate(targets)
        for place in (target.addresses() or [f"{number}/orders.csv"])
    ]


def deliveries(
    run: dict[str, Any], targets: list[Destination], found: list[tuple[int, str]]
) -> Iterator[dict[str, Any]]:
    """Yield the deliveries of a run as their rows; one that was missed or skipped has none."""
    status = run["status"]
    if status in {ExecutionState.MISSED, ExecutionState.SKIPPED}:
        return
    for place, (position, recipient) in enumerate(found):
        failed = status is ExecutionState.FAILED or (status is ExecutionState.PARTIAL and place == len(found) - 1)
        key = new_id()
        yield {
            "id": key,
            "execution_id": run["id"],
            "position": position,
            "channel": targets[position].channel,
            "connection": targets[position].connection,
            "recipient": recipient,
            "key": key,
            "destination": {},
            "status": DeliveryState.FAILED if failed else DeliveryState.DELIVERED,
            "attempts": 1,
            "delivered_at": None if failed else run["completed_at"],
            "error_message": _FULL if failed else None,
            "created_at": run["due_at"],
        }
