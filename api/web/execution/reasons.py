"""Say on pages why an execution is as it is, and what to do: the one table of both. Pure; a test walks the codes.

`mailroom.executions.reason_words` says the same for programs and logs. Here nobody meets an id or the name of a
setting: other executions are links, and times are in the zone of the schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from string import Formatter
from typing import Any

from mailroom.executions.conditions.words import COMPARISONS, SHARES
from mailroom.executions.reasons import ReasonCode
from mailroom.timing.words import span_words

_C = ReasonCode


@dataclass(frozen=True, slots=True)
class Explained:
    """A reason in words.

    Attributes:
        why: whole sentences; empty where the state says it all.
        todo: what a person can do; empty where there is nothing to do.
        other: the id of another execution that the reason is about, and `other_words` the words of the link to it.
    """

    why: str
    todo: str = ""
    other: str = ""
    other_words: str = ""


_BY_ITSELF = "It goes on by itself; nothing has to be done."
_RUN_IT = "Run it now, if it is still wanted."
_RESUME = "Resume the schedule, then run it now if it is still wanted."
_ADMIN = "An admin can lift the stop."
_OTHER_CONDITION = "To send it in other cases too, edit the schedule."
_WORDS: Mapping[ReasonCode, tuple[str, str]] = {
    _C.SCHEDULE_NOT_ACTIVE: ("The schedule was {state} at that time.", _RESUME),
    _C.OWNER_INACTIVE: (
        "The owner of the schedule is disabled, or may not own schedules any more.",
        "An admin can give the schedule to another owner.",
    ),
    _C.CONNECTION_NOT_ALLOWED: (
        "The owner of the schedule may not use the connection {connection} any more.",
        "An admin can allow it, or choose another connection in the schedule.",
    ),
    _C.RECIPIENT_NOT_ALLOWED: (
        "Mail may not be sent to the domain of {recipient} any more.",
        "Remove the address from the schedule, or ask an admin to allow the domain.",
    ),
    _C.RECIPIENT_SUPPRESSED: ("Nothing is sent to this address: it is on the list of those ({entry}).", ""),
    _C.RECIPIENT_ERASED: ("The address was erased from what is on record.", ""),
    _C.RECIPIENT_UNSUBSCRIBED: ("This person has unsubscribed from the schedule.", ""),
    _C.JITTER: ("It starts {delay} after its due time, to spread the load.", _BY_ITSELF),
    _C.WAITS_FOR_ANOTHER: ("It waits until the run before it has ended.", _BY_ITSELF),
    _C.STOPPED: ("Sending is stopped for {what}: {why}", f"It goes on by itself once the stop is lifted. {_ADMIN}"),
    _C.CONNECTION_DOWN: (
        "The connection {connection} does not work at the moment: {why}",
        "What goes through it waits, and goes on by itself once it works again. Check the connection.",
    ),
    _C.CONNECTION_DISABLED: (
        "The connection {connection} is disabled: {why}",
        "What goes through it waits until somebody has mended the connection and enabled it.",
    ),
    _C.EXPIRED: ("It could only begin {late} late, and runs of this schedule are dropped after {limit}.", _RUN_IT),
    _C.EXPIRED_WAITING: (
        "It waited for an earlier run until it was {late} late, and runs of this schedule are dropped after {limit}.",
        "Run it now if it is still wanted. To let such runs wait longer, edit the schedule.",
    ),
    _C.EXPIRED_STOPPED: (
        "Sending was stopped until it was too late: runs of this schedule are dropped after {limit}.",
        _RUN_IT,
    ),
    _C.EXPIRED_DOWN: (
        (
            "The connection {connection} did not work until it was too late: runs of this schedule are dropped after "
            "{limit}. {why}"
        ),
        "Check the connection, then run it now.",
    ),
    _C.EXPIRED_DISABLED: (
        (
            "The connection {connection} was disabled until it was too late: runs of this schedule are dropped after "
            "{limit}. {why}"
        ),
        "Mend and enable the connection, then run it now.",
    ),
    _C.NO_CATCH_UP: (
        "It could only begin {late} late, and this schedule does not catch up on what was missed.",
        _RUN_IT,
    ),
    _C.REPLACED_BY_LATER: ("It was late, and the run that was due {due_at} took its place.", ""),
    _C.TOO_MANY_LATER: ("Too many runs were waiting; only the latest {most} still ran.", _RUN_IT),
    _C.NOT_BEGUN_EXPIRED: (
        "Nothing started it within {limit} of its due time, so it was dropped. The workers, or Prefect, were away.",
        _RUN_IT,
    ),
    _C.NOT_BEGUN_NO_CATCH_UP: (
        (
            "Nothing started it within {grace} of its due time, and this schedule does not catch up on what was "
            "missed. The workers, or Prefect, were away."
        ),
        _RUN_IT,
    ),
    _C.NOT_BEGUN_REPLACED: (
        (
            "Nothing started it before the next run was due, {due_at}, which took its place. The workers, or Prefect, "
            "were away."
        ),
        "",
    ),
    _C.NOT_BEGUN_TOO_MANY: (
        "Nothing started it in time, and more than {most} runs were waiting; only the latest {most} still ran.",
        _RUN_IT,
    ),
    _C.RESTORED_SKIPPED: (
        (
            "The database was restored from a backup that did not know what became of this run, and a person chose to "
            "skip it."
        ),
        "If it did not arrive, run it now.",
    ),
    _C.SCHEDULE_PAUSED: ("The schedule was paused before it started.", _RESUME),
    _C.SCHEDULE_DELETED: ("The schedule was deleted before it started.", ""),
    _C.SCHEDULE_SUSPENDED: (
        "The schedule was suspended after {failures} failures, before this run started.",
        "Mend what failed, then resume the schedule.",
    ),
    _C.SCHEDULE_SUSPENDED_BY_REPORT: (
        "The schedule was suspended before it started, since it does not fit a new version of the report {report}.",
        "Edit the schedule, then resume it.",
    ),
    _C.OVERLAP: (
        "An earlier run of this schedule had not ended.",
        "To let runs wait for each other instead, edit the schedule.",
    ),
    _C.QUEUE_FULL: ("An earlier run had not ended, and another one waited for it already. Only one may wait.", ""),
    _C.LATER_UNDER_WAY: ("A run that was due later was under way already.", ""),
    _C.SUPERSEDED: ("A later run, due {due_at}, took its place.", ""),
    _C.NO_ROWS: (
        "The report had no rows, and this schedule sends it only when it has some.",
        "To send it without rows too, edit the schedule.",
    ),
    _C.HAS_ROWS: (
        "Rows of the report: {rows}. This schedule sends it only when it has none.",
        _OTHER_CONDITION,
    ),
    _C.NOT_CHANGED: (
        "The data was the same as what was last delivered, of the run due {due_at}.",
        _OTHER_CONDITION,
    ),
    _C.THRESHOLD_NOT_REACHED: (
        "The {extreme} value of {column} was {found}, and this schedule sends it only when {share} {op} {value}.",
        _OTHER_CONDITION,
    ),
    _C.THRESHOLD_NOT_MET: (
        ("This schedule sends the report only when, of the values of {column}, {share} {op} {value}. That was not so."),
        _OTHER_CONDITION,
    ),
    _C.THRESHOLD_NO_VALUES: (
        "No row had a value in {column}, and this schedule sends the report only when {share} {op} {value}.",
        _OTHER_CONDITION,
    ),
    _C.CONDITION_OPEN: (
        "Whether it is sent could not be decided: {error}",
        "Correct the condition in the schedule, then retry.",
    ),
    _C.RENDER_RETRY: ("The report could not be made: {error}", _BY_ITSELF),
    _C.RENDER_FAILED: ("The report could not be made: {error}", "Mend the report or its source, then retry."),
    _C.RENDER_EXPIRED: (
        "The report could not be made, and it is not tried again after {limit}: {error}",
        "Mend the report or its source, then retry.",
    ),
    _C.FILE_GONE: ("A file that was made is missing: {file}.", "Run the schedule now."),
    _C.FILES_EXPIRED: (
        "The files that the first recipients got are not kept any more, and no others are sent in their place.",
        "Run the schedule now.",
    ),
    _C.DELIVERED: ("", ""),
    _C.DELIVERED_BUT_SUPPRESSED: ("Left out, since nothing is sent to these addresses: {left_out}.", ""),
    _C.ALL_SUPPRESSED: (
        "Nobody is left to send it to: nothing is sent to any of its {left_out} addresses.",
        "Choose other recipients in the schedule.",
    ),
    _C.DELIVERY_RETRY: ("", ""),
    _C.NOT_ALL_DELIVERED: ("", "See below which deliveries failed and why; then retry."),
    _C.DELIVERY_EXPIRED: (
        "Nothing is tried again after {limit}.",
        "See below which deliveries failed and why; then retry.",
    ),
    _C.OWN_ERROR_RETRY: (
        "An error of Mailroom itself ended this try.",
        f"{_BY_ITSELF} The log knows the error by its id.",
    ),
    _C.OWN_ERROR: (
        "Errors of Mailroom itself ended every try until it was too late.",
        "Give the error id to whoever looks after Mailroom; then retry.",
    ),
    _C.CANCELLED_IN_PREFECT: ("Somebody cancelled it in Prefect.", "Retry, if it is still wanted."),
    _C.RUN_GONE: ("It ended without an outcome: its run in Prefect was deleted.", "Retry, if it is still wanted."),
    _C.NO_OUTCOME: ("It ended without an outcome: {said}", "Retry, if it is still wanted."),
    _C.NO_SUCH_SCHEDULE: ("Its schedule does not exist.", ""),
    _C.NO_SUCH_EXECUTION: ("The run does not exist.", ""),
    _C.OF_ANOTHER_SCHEDULE: ("The run belongs to another schedule.", ""),
    _C.NOT_DUE: ("The schedule was not due {due_at}.", ""),
    _C.NOT_DUE_THEN: ("The schedule was not due {due_at}: it had been changed, or was not active.", ""),
    _C.ENDED_BEFORE: ("It had ended before. {why}", ""),
    _C.NEVER_REPEATED: ("It had ended before, and what was delivered is never repeated.", ""),
    _C.CORRECTED: ("A correction took its place, so nobody else gets the wrong report.", ""),
    _C.IN_ANOTHER_RUN: ("Another run in Prefect works on it.", ""),
    _C.ALREADY: ("It was {state} already.", ""),
    _C.HELD_ELSEWHERE: ("Another process works on it.", _BY_ITSELF),
    _C.TEXT: ("{text}", ""),
}
_OTHERS = {
    _C.WAITS_FOR_ANOTHER: "The run that it waits for",
    _C.OVERLAP: "The earlier run",
    _C.QUEUE_FULL: "The earlier run",
    _C.LATER_UNDER_WAY: "The later run",
    _C.SUPERSEDED: "The later run",
    _C.CORRECTED: "The correction",
    _C.NOT_CHANGED: "What was last delivered",
}
_SPANS = frozenset({"late", "limit", "delay", "grace"})
_INSTANTS = frozenset({"due_at"})
_WORDS_OF = {"op": COMPARISONS, "share": SHARES}


def explained(code: str | None, values: Mapping[str, Any], said: str, instant: Callable[[datetime], str]) -> Explained:
    """Return a reason in words.

    Args:
        code: of the reason; None for one that was stored before reasons had codes.
        said: the stored sentence, for a code that is not known here.
        instant: says a point in time in the zone of the schedule.
    """
    if not code:
        return Explained(said)
    if code not in set(ReasonCode):
        return Explained(said)
    known = ReasonCode(code)
    shown = {name: _shown(name, value, instant) for name, value in values.items()}
    why, todo = _WORDS[known]
    other = str(values.get("execution", "")) if known in _OTHERS else ""
    return Explained(_fill(why, shown) or "", _fill(todo, shown), other, _OTHERS.get(known, ""))


def _fill(template: str, values: Mapping[str, str]) -> str:
    """Return the sentence; a value that an earlier version did not store reads as "?"."""
    names = {name for _, name, _, _ in Formatter().parse(template) if name}
    return template.format(**{name: values.get(name, "?") for name in names})


def _shown(name: str, value: Any, instant: Callable[[datetime], str]) -> str:
    if name in _SPANS and isinstance(value, int | float):
        return span_words(timedelta(seconds=round(value)))
    if name in _WORDS_OF:
        return _WORDS_OF[name].get(str(value), str(value))
    if name in _INSTANTS and isinstance(value, str):
        return instant(datetime.fromisoformat(value))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
