"""Say by conditions of SQL how an execution went: late, or saved by a retry. Service levels and lists ask the same."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ColumnElement, and_, exists, or_

from mailroom.states import ExecutionState
from mailroom.storage.instants import whole_seconds_between
from mailroom.storage.tables import Delivery, Execution

ON_TIME_SECONDS = 300
"""An execution is still on time this long after its time."""


class Course(StrEnum):
    """Name how an execution went that ended as success.

    late: it ended more than `ON_TIME_SECONDS` after its time. recovered: something had failed, and a retry that nobody
    had to ask for saved it.
    """

    LATE = "late"
    RECOVERED = "recovered"


def went(course: Course) -> ColumnElement[bool]:
    """Return the condition that an execution went so."""
    success = Execution.status == ExecutionState.SUCCESS
    match course:
        case Course.LATE:
            seconds = whole_seconds_between(Execution.due_at, Execution.completed_at)
            return and_(success, seconds > ON_TIME_SECONDS)
        case Course.RECOVERED:
            return and_(success, Execution.retry_requested_at.is_(None), had_trouble())


def had_trouble() -> ColumnElement[bool]:
    """Return the condition that something failed of what succeeded in the end: it had a later pass, and a reason."""
    repeated = exists().where(Delivery.execution_id == Execution.id, Delivery.attempts > 1)
    failed = or_(Execution.render_failures > 0, Execution.crash_count > 0, Execution.error_count > 0, repeated)
    return and_(Execution.pass_count > 1, failed)
