"""Make English sentences of reasons, for the people who wait for a report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from string import Formatter
from typing import Any

from mailroom.executions.conditions.words import COMPARISONS, SHARES
from mailroom.executions.reasons import Reason, ReasonCode
from mailroom.timing.words import span_words

_C = ReasonCode
_SENTENCES = {
    _C.SCHEDULE_NOT_ACTIVE: "The schedule is {state}.",
    _C.OWNER_INACTIVE: "The schedule's owner is disabled, or has a role that may not own schedules.",
    _C.CONNECTION_NOT_ALLOWED: "The schedule's owner may not use the connection {connection} any more.",
    _C.RECIPIENT_SUPPRESSED: "The recipient is on the list of addresses that nothing is sent to ({entry}).",
    _C.RECIPIENT_UNSUBSCRIBED: "The recipient has unsubscribed from this schedule.",
    _C.RECIPIENT_ERASED: "The recipient's address was erased from what is on record.",
    _C.RECIPIENT_NOT_ALLOWED: "Mail may not be sent to the domain of {recipient} any more (limits).",
    _C.JITTER: "The run starts {delay:span} after its due time, to spread the load (jitter).",
    _C.WAITS_FOR_ANOTHER: "The run waits until execution {execution} of this schedule has ended.",
    _C.STOPPED: "Sending is stopped for {what}: {why} It goes on by itself once that is resumed.",
    _C.CONNECTION_DOWN: (
        "The connection {connection} does not work at the moment: {why} What goes through it waits, and goes on by "
        "itself once it works again."
    ),
    _C.CONNECTION_DISABLED: (
        "The connection {connection} is disabled: {why} What goes through it waits until a person has mended and "
        "enabled it."
    ),
    _C.EXPIRED_DOWN: (
        "The connection {connection} did not work until the run had expired: runs of this schedule expire after "
        "{limit:span}. {why}"
    ),
    _C.EXPIRED_DISABLED: (
        "The connection {connection} was disabled until the run had expired: runs of this schedule expire after "
        "{limit:span}. {why}"
    ),
    _C.EXPIRED: "The run began {late:span} late, but runs of this schedule expire after {limit:span}.",
    _C.EXPIRED_WAITING: (
        "The run waited for an earlier one until it was {late:span} late, but runs of this schedule expire after "
        "{limit:span}."
    ),
    _C.EXPIRED_STOPPED: (
        "Sending was stopped by a person or after a restored backup, until the run had expired: runs of this schedule "
        "expire after {limit:span}."
    ),
    _C.RESTORED_SKIPPED: (
        "The database was restored from a backup that did not know what became of this run. A person chose to skip it."
    ),
    _C.NO_CATCH_UP: "The run began {late:span} late, and the schedule does not catch up (catchup: none).",
    _C.REPLACED_BY_LATER: "A later run, due {due_at:instant}, replaces this one (catchup: latest).",
    _C.TOO_MANY_LATER: "More than {most} later runs are due already, and only the latest {most} still run.",
    _C.NOT_BEGUN_EXPIRED: "No run started within {limit:span} of its due time, so it has expired.",
    _C.NOT_BEGUN_NO_CATCH_UP: (
        "No run started within {grace:span} of its due time, and the schedule does not catch up (catchup: none)."
    ),
    _C.NOT_BEGUN_REPLACED: (
        "No run started before the next one was due, {due_at:instant}, which replaces this one (catchup: latest)."
    ),
    _C.NOT_BEGUN_TOO_MANY: "More than {most} due times were waiting, and only the latest {most} still run.",
    _C.SCHEDULE_PAUSED: "The schedule was paused before a run started.",
    _C.SCHEDULE_DELETED: "The schedule was deleted before a run started.",
    _C.SCHEDULE_SUSPENDED: "The schedule was suspended after {failures} failures, before a run started.",
    _C.SCHEDULE_SUSPENDED_BY_REPORT: (
        "The schedule was suspended before a run started, since it does not fit a new version of the report {report}."
    ),
    _C.OVERLAP: "Execution {execution} of this schedule has not ended yet.",
    _C.QUEUE_FULL: (
        "Execution {execution} of this schedule has not ended yet, and {queued} waits for it already. "
        "Only one may wait."
    ),
    _C.LATER_UNDER_WAY: "Execution {execution}, which was due later, is already in progress.",
    _C.SUPERSEDED: "Execution {execution}, due {due_at:instant}, replaced this one (overlap: cancel_other).",
    _C.NO_ROWS: "The report has no rows, and this schedule sends it only when it has some.",
    _C.HAS_ROWS: "Rows of the report: {rows}. This schedule sends it only when it has none.",
    _C.NOT_CHANGED: (
        "The data is the same as execution {execution} delivered, which was due {due_at:instant}, and this schedule "
        "sends it only when it has changed."
    ),
    _C.THRESHOLD_NOT_REACHED: (
        "The {extreme} value of {column} is {found}, and this schedule sends it only when {share:share} "
        "{op:comparison} {value}."
    ),
    _C.THRESHOLD_NOT_MET: (
        "This schedule sends the report only when, of the values of {column}, {share:share} {op:comparison} {value}; "
        "that is not so."
    ),
    _C.THRESHOLD_NO_VALUES: (
        "No row has a value in {column}, and this schedule sends the report only when {share:share} "
        "{op:comparison} {value}."
    ),
    _C.CONDITION_OPEN: "The schedule's condition cannot be decided: {error}",
    _C.RENDER_RETRY: "Rendering will be tried again: {error}",
    _C.RENDER_FAILED: "Rendering failed: {error}",
    _C.RENDER_EXPIRED: "Rendering failed, and is not tried again after {limit:span} (expires_after): {error}",
    _C.FILE_GONE: "A rendered file is missing from the artifact store: {file}.",
    _C.FILES_EXPIRED: (
        "The files that the first recipients got are not kept any more, and no others are sent in their place. "
        "Run the schedule now for a new execution."
    ),
    _C.DELIVERED: "{delivered} of {total} delivered.",
    _C.DELIVERED_BUT_SUPPRESSED: (
        "{delivered} of {total} delivered. Left out, since nothing is sent to these addresses: {left_out}."
    ),
    _C.ALL_SUPPRESSED: "Nobody is left to send it to: nothing is sent to any of its {left_out} addresses.",
    _C.DELIVERY_RETRY: "{delivered} of {total} delivered; {waiting} will be tried again.",
    _C.NOT_ALL_DELIVERED: "{delivered} of {total} delivered; the rest: {states}.",
    _C.DELIVERY_EXPIRED: (
        "{delivered} of {total} delivered; the rest: {states}. Nothing is tried again after {limit:span} "
        "(expires_after)."
    ),
    _C.OWN_ERROR_RETRY: "An error of Mailroom itself ended this try; it will be tried again (error {error_id}).",
    _C.OWN_ERROR: "Errors of Mailroom itself ended every try until it expired (the last is error {error_id}).",
    _C.CANCELLED_IN_PREFECT: "The run was cancelled in Prefect.",
    _C.RUN_GONE: "The run ended without an outcome: its flow run no longer exists.",
    _C.NO_OUTCOME: "The run ended without an outcome: {said}",
    _C.NO_SUCH_SCHEDULE: "There is no schedule {schedule}.",
    _C.NO_SUCH_EXECUTION: "There is no execution {execution}.",
    _C.OF_ANOTHER_SCHEDULE: "Execution {execution} belongs to another schedule.",
    _C.NOT_DUE: "{due_at:instant} is not a due time of this schedule.",
    _C.NOT_DUE_THEN: (
        "The schedule was not due at {due_at:instant}: it had been changed, or was not active, at that time."
    ),
    _C.ENDED_BEFORE: "This occurrence has ended as {state}: {why}",
    _C.NEVER_REPEATED: "This execution has ended as {state}; a confirmed delivery is never repeated.",
    _C.CORRECTED: "Execution {execution} corrects this one, so nobody else gets the wrong report.",
    _C.IN_ANOTHER_RUN: "Another flow run, {flow_run}, is working on this execution.",
    _C.ALREADY: "This execution is {state} already.",
    _C.TEXT: "{text}",
    _C.HELD_ELSEWHERE: "Another process is working on this execution.",
}


class _Values(Formatter):
    """Write values by what they are: `span` is a length of time in seconds, `instant` an ISO time."""

    def format_field(self, value: Any, format_spec: str) -> str:
        match format_spec:
            case "comparison":
                return COMPARISONS.get(value, value)
            case "share":
                return SHARES.get(value, value)
            case "span":
                return span_words(timedelta(seconds=round(value)))
            case "instant":
                return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return ", ".join(value) if isinstance(value, list) else str(value)


_VALUES = _Values()


def words(reason: Reason) -> str:
    """Return the reason as a person reads it, with the recipients that it names."""
    return sentence(reason) + _named(reason)


def sentence(reason: Reason) -> str:
    """Return the reason as a person reads it, without recipients."""
    return _VALUES.vformat(_SENTENCES[reason.code], (), reason.values)


def _named(reason: Reason) -> str:
    match reason.values:
        case {"unconfirmed": [*names], "unconfirmed_more": int(more)}:
            return f" Not confirmed: {', '.join(names)}{f' and {more} more' if more else ''}."
    return ""
