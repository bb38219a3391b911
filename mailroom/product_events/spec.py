"""Say what the product is told: the facts of an event. Pure. No address of a recipient is in them, only counts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from mailroom.setting_groups.product_events import ProductEventType
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.tables import Execution, Schedule

_BY_STATE = {
    ExecutionState.SUCCESS: ProductEventType.REPORT_DELIVERED,
    ExecutionState.PARTIAL: ProductEventType.REPORT_FAILED,
    ExecutionState.FAILED: ProductEventType.REPORT_FAILED,
    ExecutionState.MISSED: ProductEventType.OCCURRENCE_MISSED,
}


class EventState(StrEnum):
    """The state of an event: it waits for its next try, was taken by the product, or is given up."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


def type_of_end(execution: Execution, schedule: Schedule) -> ProductEventType | None:
    """Return the event of an execution that has ended, None where the product is not told.

    It is not told of tests, which only the tester gets, nor of sample data, nor of what was skipped or cancelled on
    purpose.
    """
    if execution.kind is ExecutionKind.TEST or schedule.is_sample:
        return None
    return _BY_STATE.get(execution.status)


def facts_of_end(execution: Execution, schedule: Schedule, *, now: datetime) -> dict[str, Any]:
    """Return what an event says of an execution. The reason is its code alone: its words may name people."""
    values = execution.reason_values or {}
    return {
        **facts_of_schedule(schedule, now=now),
        "execution": {
            "id": execution.id,
            "kind": str(execution.kind),
            "due_at": execution.due_at.isoformat(),
            "state": str(execution.status),
            "reason_code": execution.reason_code,
            "delivered": _count(values.get("delivered")),
            "total": _count(values.get("total")),
        },
    }


def facts_of_schedule(schedule: Schedule, *, now: datetime, cause: str | None = None) -> dict[str, Any]:
    """Return what an event says of a schedule; `cause` is why it was suspended."""
    facts: dict[str, Any] = {
        "occurred_at": now.isoformat(),
        "schedule": {"id": schedule.id, "name": schedule.name, "owner": schedule.user_id},
        "report_id": schedule.report_id,
    }
    return facts if cause is None else {**facts, "cause": cause}


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
