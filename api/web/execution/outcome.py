"""Say in a sentence what became of a run, and what is wrong with one that does not go on. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from api.actions.executions.views import ExecutionDetail
from api.web.execution.reasons import Explained
from api.web.execution.timeline import Clock
from api.web.parts import Tone
from api.web.when import duration
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState

SILENT_AFTER = timedelta(minutes=2)
"""A run that nobody has picked up, or that says nothing for so long, is looked after by the watchdog."""
LEASE = timedelta(seconds=60)
"""How long after its last sign a process is taken to live."""
AT_ONCE = 10.0
"""Seconds within which a worker usually takes a run."""
RESCUED_AFTER = timedelta(minutes=5)
"""After so long a silence the watchdog has looked several times, if nothing keeps it from that."""
_E = ExecutionState
MOST_NAMED = 3
"""So many recipients are named whom something did not reach; of more, the rest is counted."""


@dataclass(frozen=True, slots=True)
class Concern:
    """Hold what is wrong: sentences, what to do, and the id that the log knows the error by."""

    tone: Tone
    words: tuple[str, ...]
    todo: str = ""
    error_id: str = ""
    other: str = ""
    other_words: str = ""


def outcome(detail: ExecutionDetail, clock: Clock) -> str:
    """Return one sentence of outcome."""
    match detail.status:
        case _E.PENDING:
            return _not_begun(detail, clock)
        case _E.RUNNING:
            return f"Running for {_age(detail, clock)}{_usual(detail)}."
        case _E.RETRYING:
            return _tried_again(detail, clock)
        case _E.SUCCESS:
            return f"{_reached(detail) or 'It was delivered.'} {_late(detail)}".strip()
        case _:
            return _not_all(detail)


def _not_begun(detail: ExecutionDetail, clock: Clock) -> str:
    if detail.due_at > clock.when.now:
        return f"It starts {clock.text(detail.due_at, seconds=False)}, {clock.when.relative(detail.due_at)}."
    if _waiting(detail, clock) < AT_ONCE:
        return "It starts in a moment."
    return f"It has waited to be started for {duration(_waiting(detail, clock))}."


def _tried_again(detail: ExecutionDetail, clock: Clock) -> str:
    when = ""
    if detail.next_try_at and detail.next_try_at > clock.when.now:
        when = f" at {clock.text(detail.next_try_at, seconds=False)}, {clock.when.relative(detail.next_try_at)}"
    if not detail.total:
        return f"The report could not be made yet. It is tried again{when}."
    return f"{_reached(detail)} What is missing is tried again{when}."


def _not_all(detail: ExecutionDetail) -> str:
    match detail.status:
        case _E.SKIPPED:
            return "It was left out, and nothing was sent."
        case _E.MISSED:
            return "It did not run, and nothing was sent."
        case _E.CANCELLED:
            return f"It was cancelled. {_reached(detail)}" if detail.total else "It was cancelled before anything left."
        case _E.PARTIAL:
            return _missing(detail) or _reached(detail) or "Not everybody has it."
        case _:
            return _reached(detail) or "Nobody has it: the report could not be made."


def _missing(detail: ExecutionDetail) -> str:
    """Return whom it did not reach, since the state beside it counts them already."""
    left = [one.recipient for one in detail.deliveries if one.status is not DeliveryState.DELIVERED]
    more = len(left) - MOST_NAMED
    named = [*left[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])]
    told = " and ".join(filter(None, [", ".join(named[:-1]), named[-1]])) if named else ""
    return f"It did not reach {told}." if told else ""


def _reached(detail: ExecutionDetail) -> str:
    if not detail.total:
        return ""
    if detail.delivered == detail.total:
        return "It was delivered." if detail.total == 1 else f"All {detail.total} have it."
    if not detail.delivered:
        return "Nobody has it." if detail.total > 1 else "It was not delivered."
    return f"{detail.delivered} of {detail.total} have it."


def _late(detail: ExecutionDetail) -> str:
    if detail.lateness_seconds is None:
        return ""
    since = "it was due" if detail.kind is ExecutionKind.SCHEDULED else "it was asked for"
    return f"The last one got it {duration(detail.lateness_seconds)} after {since}."


def _age(detail: ExecutionDetail, clock: Clock) -> str:
    return duration(max(0.0, (clock.when.now - (detail.started_at or clock.when.now)).total_seconds()))


def _usual(detail: ExecutionDetail) -> str:
    return "" if detail.usual_seconds is None else f"; usually {duration(detail.usual_seconds)}"


def _waiting(detail: ExecutionDetail, clock: Clock) -> float:
    """Return for how many seconds it has waited to be started."""
    since = detail.due_at if detail.kind is ExecutionKind.SCHEDULED else detail.requested_at or detail.due_at
    return max(0.0, (clock.when.now - since).total_seconds())


def concern(detail: ExecutionDetail, why: Explained, clock: Clock) -> Concern | None:
    """Return what is wrong, or why it waits; None where everything goes as it should."""
    if stuck := _stuck(detail, why, clock):
        return stuck
    told = tuple(filter(None, [why.why]))
    error_id = detail.error.id or "" if detail.error else ""
    other = {"other": why.other, "other_words": why.other_words}
    match detail.status:
        case _E.FAILED | _E.MISSED:
            return Concern("bad", told, why.todo, error_id, **other)
        case _E.PARTIAL:
            return Concern("warn", told, why.todo, error_id, **other)
        case _E.RETRYING | _E.PENDING if told:
            return Concern("wait", told, why.todo, error_id, **other)
        case _E.SKIPPED | _E.CANCELLED if told:
            return Concern("off", told, why.todo, **other)
        case _E.SUCCESS if told:
            return Concern("off", told, why.todo)
    return None


def _stuck(detail: ExecutionDetail, why: Explained, clock: Clock) -> Concern | None:
    """Tell of a run that should have gone on: its age, and what happens to it when."""
    now = clock.when.now
    if detail.status is _E.RUNNING and detail.heard_until and detail.heard_until < now:
        last = detail.heard_until - LEASE
        usual = "" if detail.usual_seconds is None else f" Such a run usually takes {duration(detail.usual_seconds)}."
        heard = (
            f"Nothing was heard of it since {clock.text(last)}, {duration((now - last).total_seconds())} ago.{usual}"
        )
        goes_on = "It then goes on with what is missing; nothing is sent twice."
        if now - last < RESCUED_AFTER:
            return Concern("warn", (heard, f"Within a minute the watchdog starts it again. {goes_on}"))
        late = f"The watchdog should have started it again by now, and does so as soon as Prefect answers. {goes_on}"
        return Concern("warn", (heard, late), "Look whether Prefect and a worker are up.")
    waiting = _waiting(detail, clock)
    if detail.status is not _E.PENDING or why.why or waiting < SILENT_AFTER.total_seconds():
        return None
    until = ""
    if detail.expires_at:
        until = (
            f" If nothing starts it before {clock.text(detail.expires_at, seconds=False)}, it is recorded as missed."
        )
    words = (
        f"Nothing has started it for {duration(waiting)}; usually that takes a few seconds.",
        f"It goes on by itself as soon as a worker takes it.{until}",
    )
    return Concern("warn", words, "Look whether a worker and Prefect are up.")
