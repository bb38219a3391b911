"""Make of a schedule what the pages show that ask before something is done. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from api.actions.backfill.views import BackfillView
from api.actions.schedule.page import Brief
from api.actions.schedules.views import ScheduleView
from api.actions.users.views import UserView
from api.web import forms, words
from api.web.parts import Button, Chip, Field, FormFault, Moment, Option
from api.web.schedule import saying
from api.web.schedule.changes import Change, change_of
from api.web.when import When
from mailroom.errors import Fault
from mailroom.states import ScheduleState
from mailroom.storage.tables import AuditEvent

_MOST_DATES = 30
_COUNTED = frozenset(
    {
        "changed",
        "paused",
        "resumed",
        "deleted",
        "undeleted",
        "suspended",
        "finished",
        "reassigned",
        "calendar_changed",
    }
)
"""The entries of the audit trail that make a new version of a schedule."""


@dataclass(frozen=True, slots=True)
class RunNow:
    """The page that asks before a run: whom it reaches, and what keeps it back. `do` is None where it cannot run."""

    id: str
    name: str
    heading: str
    lines: tuple[str, ...]
    held: tuple[str, ...]
    people: tuple[str, ...]
    places: tuple[str, ...]
    do: Button | None


def run_now(brief: Brief, *, once: str, silent: bool = False) -> RunNow:
    """Return the page that asks before a run; `silent` tells whether Prefect does not answer."""
    view, reach = brief.schedule, brief.reach
    if view.state is not ScheduleState.ACTIVE:
        chip = words.SCHEDULES[view.state].words.lower()
        why = f"The schedule is {chip}, so nothing is sent for it. Resume it first, or send a test to yourself."
        return RunNow(view.id, view.name, "It cannot run now", (why,), (), (), (), None)
    lines = [f"Run now: {_lower(saying.goes_to(reach))}.", "The report is made with the data of now."]
    if brief.spec.condition.rule != "always":
        lines.append(f"It is sent {_lower(saying.condition_words(brief.spec.condition.model_dump()))}.")
    return RunNow(
        view.id,
        view.name,
        "Run it now?",
        tuple(lines),
        tuple(_held(brief, silent=silent)),
        reach.people,
        tuple(", ".join(saying.destination_lines(one)) for one in view.destinations if one.get("channel") != "email"),
        Button(
            f"/schedules/{view.id}/run",
            f"Run now: send to {saying.reach_words(reach)}",
            {"etag": view.etag, "once": once},
            "play",
            "primary",
        ),
    )


def _held(brief: Brief, *, silent: bool) -> Iterable[str]:
    around = brief.around
    if around.held is not None:
        yield f"Sending is stopped: {around.held.reason} The run waits, and goes on once an admin resumes it."
    elif around.stops:
        names = saying.listed(sorted({stop.target for stop in around.stops}))
        yield f"Sending by {names} is stopped: {around.stops[0].reason} What goes elsewhere is sent now."
    if silent:
        yield "Prefect is not answering. The run is kept, and begins when it answers."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


@dataclass(frozen=True, slots=True)
class Reassign:
    """The page that asks for another owner."""

    id: str
    name: str
    now: str
    etag: str
    once: str
    field: Field
    faults: tuple[FormFault, ...]


def reassign(
    brief: Brief, users: Sequence[UserView], *, chosen: str, once: str, faults: Sequence[Fault] = ()
) -> Reassign:
    """Return the page that asks for another owner; those who may own schedules are offered."""
    view, owner = brief.schedule, brief.around.owner
    options = tuple(Option(one.id, _named(one)) for one in users)
    attributes = {"required": "required"}
    errors = forms.by_field(faults).get("to", ())
    field = Field("to", "New owner", "select", chosen, options, errors=errors, attributes=attributes)
    now = f"{view.name} belongs to {owner.name or owner.email} now." if owner else f"{view.name} has no owner now."
    now += " The new owner gets its alerts and can change it; its history stays with it."
    return Reassign(view.id, view.name, now, view.etag, once, field, forms.summary(faults, ["to"]))


def _named(user: UserView) -> str:
    return f"{user.name} ({user.email})" if user.name else user.email


@dataclass(frozen=True, slots=True)
class BackfillPreview:
    """Hold what a backfill would run: how many, whom they reach, which due times, and which are left out and why."""

    heading: str
    reaches: str
    due: tuple[Moment, ...]
    more: str
    left_out: tuple[tuple[Moment, str], ...]
    do: Button | None


@dataclass(frozen=True, slots=True)
class Backfilling:
    """The page that asks for a range of due times, and shows what it means."""

    id: str
    name: str
    zone: str
    not_active: str
    fields: tuple[Field, ...]
    faults: tuple[FormFault, ...]
    preview: BackfillPreview | None


def backfill(
    brief: Brief,
    when: When,
    given: Mapping[str, str],
    *,
    once: str,
    found: BackfillView | None = None,
    faults: Sequence[Fault] = (),
) -> Backfilling:
    """Return the page of a backfill; `given` has the texts of its fields, `found` what it would do."""
    view, zone = brief.schedule, brief.spec.timing.zone
    today = when.now.astimezone(zone).date()
    errors = forms.by_field(faults)
    fields = (
        _day("from", "From", given.get("from") or f"{today - timedelta(days=7)}", errors, today),
        _day("until", "Until", given.get("until") or f"{today}", errors, today),
        Field("again", "Also those that were delivered already", "checkbox", given.get("again", "")),
    )
    not_active = ""
    if view.state is not ScheduleState.ACTIVE:
        chip = words.SCHEDULES[view.state].words.lower()
        not_active = f"The schedule is {chip}, so nothing is sent for it. Resume it first."
    return Backfilling(
        id=view.id,
        name=view.name,
        zone=brief.spec.timing.timezone,
        not_active=not_active,
        fields=fields,
        faults=forms.summary(faults, ["from", "until"]),
        preview=_preview(brief, when, given, found, once) if found else None,
    )


def day_faults(given: Mapping[str, str], today: date) -> list[Fault]:
    """Return what is wrong with the days of a backfill, in the words of its page."""
    days: dict[str, date] = {}
    faults = []
    for name in ("from", "until"):
        try:
            days[name] = date.fromisoformat(given.get(name, ""))
        except ValueError:
            faults.append(Fault(name, "Choose a day."))
            continue
        if days[name] > today:
            faults.append(Fault(name, "Choose a day that has passed, or today."))
    if not faults and days["from"] > days["until"]:
        faults.append(Fault("from", "The first day is after the last one.", "Choose an earlier day."))
    return faults


def _day(name: str, label: str, value: str, errors: Mapping[str, tuple[str, ...]], today: object) -> Field:
    attributes = {"max": f"{today}", "required": "required"}
    return Field(name, label, "date", value, errors=errors.get(name, ()), attributes=attributes)


def _preview(brief: Brief, when: When, given: Mapping[str, str], found: BackfillView, once: str) -> BackfillPreview:
    view, zone = brief.schedule, brief.spec.timing.timezone

    def moment(at: datetime) -> Moment:
        return when.moment(at, zone)

    left_out = tuple((moment(one.due_at), one.reason) for one in found.left_out)
    if not found.due:
        return BackfillPreview("Nothing would run", "No due time of these days is left to run.", (), "", left_out, None)
    runs = words.count(len(found.due), "run")
    more = len(found.due) - _MOST_DATES
    values = {"etag": view.etag, "once": once, **given}
    do = Button(f"/schedules/{view.id}/backfill", f"Run {runs}", values, "history", "primary")
    return BackfillPreview(
        heading=f"{runs} would start",
        reaches=f"Each: {_lower(saying.goes_to(brief.reach))}.",
        due=tuple(moment(one) for one in found.due[:_MOST_DATES]),
        more=f"and {more} more" if more > 0 else "",
        left_out=left_out,
        do=do,
    )


@dataclass(frozen=True, slots=True)
class Stale:
    """The page that says what changed since the visitor saw the schedule. `again` does it on what is there now."""

    id: str
    name: str
    chip: Chip
    changes: tuple[Change, ...]
    again: Button | None


def stale(view: ScheduleView, events: Sequence[AuditEvent], when: When, *, seen: str, again: Button | None) -> Stale:
    """Return the page of a form that was based on the older version `seen`; `events` are the latest, newest first."""
    since = versions_between(seen, view.etag)
    counted = [one for one in events if one.action in _COUNTED][:since]
    zone = str(view.timing.get("timezone", "UTC"))
    told = tuple(change_of(one, when, zone) for one in counted)
    return Stale(view.id, view.name, words.SCHEDULES[view.state], told, again)


def versions_between(seen: str, now: str) -> int:
    """Return how many versions lie between two ETags; 1 where that cannot be told."""
    try:
        return max(1, int(now.strip('"')) - int(seen.strip('"')))
    except ValueError:
        return 1
