"""Read what the list of runs is narrowed to from its address, and lay out the form of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from api.web import words
from api.web.parts import Field, Link, Option
from mailroom.executions.history.course import Course
from mailroom.executions.history.search import ExecutionFilter
from mailroom.states import ExecutionKind, ExecutionState

PERIODS = {"24h": ("24 hours", 1), "7d": ("7 days", 7), "30d": ("30 days", 30), "all": ("All", 0)}
"""The periods that the list offers: words, and days; 0 for no limit."""
USUAL = "7d"
COURSES = {Course.LATE: "Late: more than 5 minutes after its time", Course.RECOVERED: "Recovered by a retry"}


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold what the address asks for, as it was written; what cannot be read is left out."""

    states: tuple[ExecutionState, ...] = ()
    kinds: tuple[ExecutionKind, ...] = ()
    course: Course | None = None
    schedule: str = ""
    destination: str = ""
    recipient: str = ""
    error: str = ""
    since: date | None = None
    until: date | None = None
    period: str = ""
    cursor: str = ""

    @property
    def narrowed(self) -> bool:
        """Tell whether anything but the period narrows the list."""
        texts = (self.schedule, self.destination, self.recipient, self.error)
        return any((self.states, self.kinds, self.course, *texts, self.dated))

    @property
    def dated(self) -> bool:
        """Tell whether days are given, which count instead of a period."""
        return self.since is not None or self.until is not None

    @property
    def shown_period(self) -> str:
        """Return the period that counts; an error id is looked for in all of them."""
        return self.period or ("all" if self.error else USUAL)

    def query(self) -> list[tuple[str, str]]:
        """Return it as the query of an address, without the cursor."""
        pairs = [("state", str(one)) for one in self.states] + [("kind", str(one)) for one in self.kinds]
        texts = {
            "course": str(self.course or ""),
            "schedule": self.schedule,
            "destination": self.destination,
            "recipient": self.recipient,
            "error": self.error,
            "from": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
            "period": self.period,
        }
        return pairs + [(name, text) for name, text in texts.items() if text]

    def href(self, **more: str) -> str:
        """Return the address of the list that shows this."""
        pairs = [*self.query(), *more.items()]
        return f"/executions?{urlencode(pairs)}" if pairs else "/executions"


def asked(pairs: Iterable[tuple[str, str]]) -> Asked:
    """Return what an address asks for."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        if value := value.strip():
            found.setdefault(name, []).append(value)

    def last(name: str, most: int) -> str:
        return found.get(name, [""])[-1][:most]

    return Asked(
        states=tuple(state for state in ExecutionState if state in found.get("state", [])),
        kinds=tuple(kind for kind in ExecutionKind if kind in found.get("kind", [])),
        course=next((one for one in Course if one == last("course", 20)), None),
        schedule=last("schedule", 200),
        destination=last("destination", 150),
        recipient=last("recipient", 500),
        error=last("error", 36),
        since=_day(last("from", 10)),
        until=_day(last("until", 10)),
        period=last("period", 5) if last("period", 5) in PERIODS else "",
        cursor=last("cursor", 1000),
    )


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1970 <= found.year <= 9000 else None


def wanted(given: Asked, schedule_ids: Sequence[str] | None, zone: ZoneInfo, now: datetime) -> ExecutionFilter:
    """Return the filter. Days are days of the visitor's zone, the last one included.

    Args:
        schedule_ids: those whose id or name was asked for; None where none was.
    """
    kind, _, name = given.destination.partition(":")
    days = PERIODS[given.shown_period][1]
    since = now - timedelta(days=days) if days and not given.dated else None
    if given.since:
        since = _midnight(given.since, zone)
    return ExecutionFilter(
        states=given.states,
        kinds=given.kinds,
        course=given.course,
        schedule_ids=schedule_ids,
        due_from=since,
        due_to=_midnight(given.until + timedelta(days=1), zone) if given.until else None,
        error_id=given.error or None,
        channel=name if kind == "channel" and name else None,
        connection=name if kind == "connection" and name else None,
        recipient=given.recipient or None,
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def periods(given: Asked) -> tuple[Link, ...]:
    """Return the links to the periods."""
    undated = replace(given, since=None, until=None, cursor="")
    return tuple(
        Link(
            replace(undated, period=name).href(),
            told,
            current=name == given.shown_period and not given.dated,
        )
        for name, (told, _) in PERIODS.items()
    )


def fields(given: Asked, connections: Sequence[tuple[str, str]], schedule_name: str) -> tuple[Field, ...]:
    """Return the fields of the form.

    Args:
        connections: names and kinds of those that the visitor may see.
        schedule_name: the name of the schedule whose id was asked for, if one was.
    """
    kinds = dict.fromkeys(kind for _, kind in connections)
    destinations = [
        Option("", "Any"),
        *(Option(f"channel:{kind}", words.kind_words(kind), group="Any of a kind") for kind in kinds),
        *(Option(f"connection:{name}", name, group="Connection") for name, _ in connections),
    ]
    if given.destination and given.destination not in {one.value for one in destinations}:
        destinations.append(Option(given.destination, given.destination.partition(":")[2]))
    return (
        Field("schedule", "Schedule", "search", schedule_name or given.schedule, attributes={"maxlength": "200"}),
        Field("destination", "Destination", "select", given.destination, options=tuple(destinations)),
        Field("recipient", "Recipient", "search", given.recipient, attributes={"maxlength": "500"}),
    )


def more(given: Asked) -> tuple[Field, ...]:
    """Return the fields of the form that are wanted more rarely."""
    courses = (Option("", "Any"), *(Option(str(course), told) for course, told in COURSES.items()))
    return (
        Field("from", "Due from", "date", given.since.isoformat() if given.since else ""),
        Field("until", "Due until", "date", given.until.isoformat() if given.until else ""),
        Field("error", "Error id", "search", given.error, attributes={"maxlength": "36"}),
        Field("course", "How it went", "select", str(given.course or ""), options=courses),
    )


def choices(given: Asked) -> tuple[Field, Field]:
    """Return the ticks of the form: states and kinds."""
    states = tuple(Option(str(state), chip.words) for state, chip in words.EXECUTIONS.items())
    kinds = tuple(Option(str(kind), told) for kind, told in words.KINDS.items())
    return (
        Field("state", "State", "checkboxes", tuple(map(str, given.states)), options=states),
        Field("kind", "Kind", "checkboxes", tuple(map(str, given.kinds)), options=kinds),
    )


def in_words(given: Asked, schedule_name: str) -> str:
    """Return what narrows the list, for a page that is empty because of it."""
    parts = []
    if given.states:
        parts.append(" or ".join(words.EXECUTIONS[one].words.lower() for one in given.states))
    if given.kinds:
        parts.append(" or ".join(words.KINDS[one].lower() for one in given.kinds))
    if given.course:
        parts.append(COURSES[given.course].partition(":")[0].lower())
    for told, value in (
        ("of", schedule_name or given.schedule),
        ("through", given.destination.partition(":")[2]),
        ("to", given.recipient),
        ("with the error", given.error),
        ("due from", given.since.isoformat() if given.since else ""),
        ("due until", given.until.isoformat() if given.until else ""),
    ):
        if value:
            parts.append(f"{told} {value}")
    return ", ".join(parts)
