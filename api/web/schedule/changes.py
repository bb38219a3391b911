"""Say the entries of a schedule's audit trail: who did what, and what it was before. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.web import words
from api.web.drawings import strip
from api.web.fields.said import parameter_lines
from api.web.fields.schema import Schema
from api.web.parts import Moment
from api.web.schedule import saying
from api.web.when import When
from mailroom.audit.repository import MAILROOM, SYNC
from mailroom.states import ScheduleState
from mailroom.storage.tables import AuditEvent

SUSPENDING = "suspended"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a change, before and after; `before` may be empty."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """Hold what somebody did: who, what in a few words, when, and what it was before."""

    who: str
    what: str
    at: Moment
    parts: tuple[Part, ...] = ()


_FIELDS: Mapping[str, tuple[str, Callable[[Any, Schema], str]]] = {
    "name": ("Name", lambda value, _: str(value)),
    "report_id": ("Report", lambda value, _: str(value)),
    "timing": ("Timing", lambda value, _: saying.timing_words(value)),
    "parameters": ("Data", lambda value, schema: "; ".join(parameter_lines(schema, value)) or "as the report has it"),
    "formats": ("Format", lambda value, _: saying.format_words(value)),
    "destinations": (
        "Recipients",
        lambda value, _: "; ".join(", ".join(saying.destination_lines(one)) for one in value),
    ),
    "condition": ("Condition", lambda value, _: saying.condition_words(value)),
    "policy": ("Rules", lambda value, _: " ".join(saying.policy_lines(value))),
}
_WHAT: Mapping[str, str] = {
    "created": "Created it",
    "paused": "Paused it",
    "resumed": "Resumed it",
    "deleted": "Deleted it",
    "undeleted": "Undid the deletion",
    "finished": "It finished: no due time was left",
    "test": "Sent a test",
    "run_now": "Ran it now",
    "drift repaired": "Undid a change made by hand in Prefect",
    "calendar_changed": "Its calendar changed",
    "shared": "Changed who can see it",
    "unsubscribed": "Unsubscribed",
    "subscribed_again": "Subscribed again",
}
_MARKS: Mapping[str, strip.Kind] = {
    "changed": "edited",
    "calendar_changed": "edited",
    "paused": "paused",
    "suspended": "paused",
    "deleted": "paused",
    "resumed": "resumed",
    "undeleted": "resumed",
}


def change_of(event: AuditEvent, when: When, zone: str, schema: Schema | None = None) -> Change:
    """Return an entry as a line of the list of changes; `schema` is that of the report's parameters."""
    return Change(_who(event), _what(event), when.moment(event.at, zone), tuple(_parts(event, schema or {})))


def marks_of(events: Iterable[AuditEvent], when: When, zone: str) -> list[strip.Mark]:
    """Return the marks of edits and pauses for the strip."""
    found = []
    for event in events:
        if (kind := _mark(event)) is not None:
            told = f"{_what(event)}, {_who(event)}, {when.moment(event.at, zone).text}"
            found.append(strip.Mark(kind, event.at, told))
    return found


def why_suspended(events: Sequence[AuditEvent]) -> AuditEvent | None:
    """Return the entry that says why a schedule is suspended, of entries with the newest first."""
    for event in events:
        undone = event.action == "undeleted" and event.detail.get("state") == ScheduleState.SUSPENDED
        if event.action == SUSPENDING or (undone and event.detail.get("faults")):
            return event
    return None


def _mark(event: AuditEvent) -> strip.Kind | None:
    if event.action == "undeleted" and event.detail.get("state") != ScheduleState.ACTIVE:
        return None
    return _MARKS.get(event.action)


def _who(event: AuditEvent) -> str:
    if event.actor in {MAILROOM, SYNC}:
        return "Mailroom"
    return f"{event.actor} for {event.on_behalf_of}" if event.on_behalf_of else event.actor


def _what(event: AuditEvent) -> str:
    detail = event.detail
    match event.action:
        case "changed":
            names = [_FIELDS[name][0].lower() for name in detail.get("changes", {}) if name in _FIELDS]
            return f"Changed {saying.listed(names)}" if names else "Saved it unchanged"
        case "suspended" if "consecutive_failures" in detail:
            return f"Suspended it after {words.count(detail['consecutive_failures'], 'failure')} in a row"
        case "suspended" if "owner" in detail:
            return "Suspended it, since its owner may not own schedules"
        case "suspended":
            return "Suspended it, since it does not fit its report any more"
        case "reassigned":
            return "Gave it to another owner"
        case "backfill":
            return f"Asked for {words.count(detail.get('count', 0), 'earlier run')}"
        case "unsubscribed" | "subscribed_again" if "address" in detail:
            return f"{_WHAT[event.action]}: {detail['address']}"
        case known:
            return _WHAT.get(known, known.replace("_", " ").capitalize())


def _parts(event: AuditEvent, schema: Schema) -> Iterable[Part]:
    detail = event.detail
    match event.action:
        case "changed":
            for name, (before, after) in detail.get("changes", {}).items():
                if name in _FIELDS:
                    label, say = _FIELDS[name]
                    yield Part(label, say(before, schema), say(after, schema))
        case "reassigned":
            before, after = detail["owner"]
            yield Part("Owner", before, after)
        case "suspended" | "undeleted" if detail.get("faults"):
            yield Part("Why", "", "; ".join(detail["faults"]))
        case "backfill":
            yield Part("Due times", "", f"{detail['from'][:10]} to {detail['until'][:10]}")
