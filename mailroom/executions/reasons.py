"""A reason says why an execution is as it is: a code with values. `reason_words` makes a sentence of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from mailroom.storage.tables import Execution

Value = str | int | float | list[str]
"""A value that a reason is stored with. Lengths of time are seconds, instants ISO 8601."""


class ReasonCode(StrEnum):
    """Every reason there is, with the values that it takes."""

    # Nothing may leave.
    SCHEDULE_NOT_ACTIVE = "schedule_not_active"  # state
    OWNER_INACTIVE = "owner_inactive"
    CONNECTION_NOT_ALLOWED = "connection_not_allowed"  # connection
    RECIPIENT_NOT_ALLOWED = "recipient_not_allowed"  # recipient

    RECIPIENT_SUPPRESSED = "recipient_suppressed"  # entry
    RECIPIENT_ERASED = "recipient_erased"
    RECIPIENT_UNSUBSCRIBED = "recipient_unsubscribed"

    # It waits.
    JITTER = "jitter"  # delay
    WAITS_FOR_ANOTHER = "waits_for_another"  # execution
    STOPPED = "stopped"  # what, why
    CONNECTION_DOWN = "connection_down"  # connection, why
    CONNECTION_DISABLED = "connection_disabled"  # connection, why

    # It began too late.
    EXPIRED = "expired"  # late, limit
    EXPIRED_WAITING = "expired_waiting"  # late, limit
    EXPIRED_STOPPED = "expired_stopped"  # limit
    EXPIRED_DOWN = "expired_down"  # connection, why, limit
    EXPIRED_DISABLED = "expired_disabled"  # connection, why, limit
    NO_CATCH_UP = "no_catch_up"  # late
    REPLACED_BY_LATER = "replaced_by_later"  # due_at
    TOO_MANY_LATER = "too_many_later"  # most

    # Nothing began it in time.
    NOT_BEGUN_EXPIRED = "not_begun_expired"  # limit
    NOT_BEGUN_NO_CATCH_UP = "not_begun_no_catch_up"  # grace
    NOT_BEGUN_REPLACED = "not_begun_replaced"  # due_at
    NOT_BEGUN_TOO_MANY = "not_begun_too_many"  # most

    # Its database was restored from a backup.
    RESTORED_SKIPPED = "restored_skipped"

    # Its schedule stopped firing before it began.
    SCHEDULE_PAUSED = "schedule_paused"
    SCHEDULE_DELETED = "schedule_deleted"
    SCHEDULE_SUSPENDED = "schedule_suspended"  # failures
    SCHEDULE_SUSPENDED_BY_REPORT = "schedule_suspended_by_report"  # report

    # Another execution of its schedule is in the way, or came in its place.
    OVERLAP = "overlap"  # execution
    QUEUE_FULL = "queue_full"  # execution, queued
    LATER_UNDER_WAY = "later_under_way"  # execution
    SUPERSEDED = "superseded"  # execution, due_at

    # Rendering.
    NO_ROWS = "no_rows"
    HAS_ROWS = "has_rows"  # rows: how many, or "some"
    NOT_CHANGED = "not_changed"  # execution, due_at
    THRESHOLD_NOT_REACHED = "threshold_not_reached"  # query, column, op, value, share, extreme, found
    THRESHOLD_NOT_MET = "threshold_not_met"  # query, column, op, value, share
    THRESHOLD_NO_VALUES = "threshold_no_values"  # query, column, op, value, share
    CONDITION_OPEN = "condition_open"  # error
    RENDER_RETRY = "render_retry"  # error
    RENDER_FAILED = "render_failed"  # error
    RENDER_EXPIRED = "render_expired"  # error, limit
    FILE_GONE = "file_gone"  # file; written by earlier versions only
    FILES_EXPIRED = "files_expired"

    # Delivering.
    DELIVERED = "delivered"  # delivered, total
    DELIVERED_BUT_SUPPRESSED = "delivered_but_suppressed"  # delivered, total, left_out
    ALL_SUPPRESSED = "all_suppressed"  # left_out
    DELIVERY_RETRY = "delivery_retry"  # delivered, total, waiting
    NOT_ALL_DELIVERED = "not_all_delivered"  # delivered, total, states
    DELIVERY_EXPIRED = "delivery_expired"  # delivered, total, states, limit

    # An error of our own; the log knows its id.
    OWN_ERROR_RETRY = "own_error_retry"  # error_id
    OWN_ERROR = "own_error"  # error_id

    # Its flow run.
    CANCELLED_IN_PREFECT = "cancelled_in_prefect"
    RUN_GONE = "run_gone"
    NO_OUTCOME = "no_outcome"  # said

    # There is nothing for a flow run to do; these are shown in Prefect and not stored.
    NO_SUCH_SCHEDULE = "no_such_schedule"  # schedule
    NO_SUCH_EXECUTION = "no_such_execution"  # execution
    OF_ANOTHER_SCHEDULE = "of_another_schedule"  # execution
    NOT_DUE = "not_due"  # due_at
    NOT_DUE_THEN = "not_due_then"  # due_at
    ENDED_BEFORE = "ended_before"  # state, why
    NEVER_REPEATED = "never_repeated"  # state
    CORRECTED = "corrected"  # execution
    IN_ANOTHER_RUN = "in_another_run"  # flow_run
    ALREADY = "already"  # state
    HELD_ELSEWHERE = "held_elsewhere"

    # Written before reasons had codes, or by a later version that knows more of them.
    TEXT = "text"  # text


LEFT_OUT = frozenset(
    str(code)
    for code in (ReasonCode.RECIPIENT_SUPPRESSED, ReasonCode.RECIPIENT_ERASED, ReasonCode.RECIPIENT_UNSUBSCRIBED)
)
"""For these reasons a delivery is left out on purpose: its execution does as well without it."""

_KNOWN = frozenset(str(code) for code in ReasonCode)


@dataclass(frozen=True, slots=True)
class Reason:
    """A code with the values that its sentence needs, ready to be stored as JSON.

    The end of an execution with something undelivered also has `unconfirmed` and `unconfirmed_more`, see `naming`.
    """

    code: ReasonCode
    values: Mapping[str, Value] = field(default_factory=dict)


def because(code: ReasonCode, **values: Value | timedelta | datetime | StrEnum) -> Reason:
    """Make a reason from values as Python has them."""
    return Reason(code, {name: _stored(value) for name, value in values.items()})


MOST_NAMED = 5
"""So many recipients are named in a reason, which is shown in small places; more are counted."""


def naming(reason: Reason, recipients: Sequence[str]) -> Reason:
    """Return the reason with the recipients who may be without the report: the first few, and how many more."""
    if not recipients:
        return reason
    named: dict[str, Value] = {
        "unconfirmed": list(recipients[:MOST_NAMED]),
        "unconfirmed_more": len(recipients[MOST_NAMED:]),
    }
    return Reason(reason.code, {**reason.values, **named})


def reason_of(execution: Execution) -> Reason:
    """Return the reason that an execution was stored with."""
    code = execution.reason_code
    if code not in _KNOWN:
        return because(ReasonCode.TEXT, text=execution.reason)
    return Reason(ReasonCode(code), execution.reason_values or {})


def _stored(value: Any) -> Value:
    match value:
        case timedelta():
            seconds = round(value.total_seconds(), 6)
            return int(seconds) if seconds.is_integer() else seconds
        case datetime():
            return value.isoformat()
        case StrEnum():
            return str(value)
    stored: Value = value
    return stored
