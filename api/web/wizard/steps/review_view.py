"""Make the last step: what the schedule is to be, what is in the way, and what the buttons will do. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.actions.drafts.views import DraftView
from api.actions.schedules.views import PreviewView, ScheduleView
from api.web.forms import sentence
from api.web.parts import Field, Link, Moment, SummaryRow
from api.web.when import When, zone_of
from api.web.wizard.step import REVIEW, STEPS, address, of_part
from api.web.wizard.steps.frequency_preview import Advice, panel
from api.web.wizard.steps.frequency_words import say as say_timing
from api.web.wizard.steps.review_mail import Reader
from api.web.wizard.summary.answers import reach_words
from mailroom.drafts.spec import Part
from mailroom.errors import Fault

NAME = "name"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that has to be changed first, with the step where it can be."""

    words: str
    link: Link


@dataclass(frozen=True, slots=True)
class SaveButton:
    """A button of the last step: what it posts as `go`, and what it will do."""

    go: str
    words: str
    primary: bool


@dataclass(frozen=True, slots=True)
class ReviewStep:
    """The last step; `readers` are the destinations whose message can be shown or tested."""

    name: Field
    rows: tuple[SummaryRow, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Advice, ...]
    buttons: tuple[SaveButton, ...]
    readers: tuple[Reader, ...]


def change_links(draft: DraftView) -> dict[str, str]:
    """Return where each step of a draft is changed, so that Continue leads back."""
    return {step.name: f"{address(draft.id, step)}?from=review" for step in STEPS if step is not REVIEW}


def problems(draft: DraftView) -> tuple[Problem, ...]:
    """Return what is missing or wrong in the other steps, each once."""
    found: dict[Problem, None] = {}
    for part in draft.missing:
        if part is not Part.NAME:
            step = of_part(part)
            link = Link(f"{address(draft.id, step)}?from=review", f"Go to “{step.term}”")
            found[Problem(f"{step.question} This is not said yet.", link)] = None
    for part in Part:
        step = of_part(part)
        for fault in draft.faults_in(part) if part is not Part.NAME else ():
            link = Link(f"{address(draft.id, step)}?from=review&faults=1", f"Change “{step.term}”")
            words = say_timing(fault, draft.body()) if part is Part.TIMING else said(fault)
            found[Problem(words, link)] = None
    return tuple(found)


def said(fault: Fault) -> str:
    """Return a fault of the domain as a sentence."""
    message = fault.message.strip()
    return sentence(Fault(fault.field, f"{message[:1].upper()}{message[1:]}", fault.remedy))


def name_field(value: str, faults: Sequence[Fault]) -> Field:
    """Return the field of the name."""
    errors = ("Enter a name.",) if faults and not value.strip() else tuple(said(fault) for fault in faults)
    hint = "Lists and notices call it so; the recipients see the subject of the mail."
    return Field(NAME, "Name", "text", value, hint=hint, errors=errors, attributes={"maxlength": "200"})


def warnings(preview: PreviewView, timing: Mapping[str, Any], when: When) -> tuple[Advice, ...]:
    """Return warnings with one click to mend them, where there is one."""
    return panel(preview, None, timing, when).warnings


def buttons(
    draft: DraftView, preview: PreviewView | None, before: ScheduleView | None, when: When
) -> tuple[SaveButton, ...]:
    """Return what can be done with the draft, each with what it will do."""
    body = draft.body()
    timing = body.get("timing")
    timing = timing if isinstance(timing, Mapping) else {}
    zone = str(timing.get("timezone") or "UTC")
    first = when.moment(preview.next_runs[0].at, zone).text if preview and preview.next_runs else ""
    if draft.schedule_id is not None:
        return (SaveButton("activate", save_words(first, before, zone, when), True),)
    people = reach_words(body.get("destinations"))
    to = f", to {people}" if people else ""
    if timing.get("frequency") == "immediate":
        return (SaveButton("activate", f"Activate: send it now{to}", True),)
    activate = f"Activate: first run {first}{to}" if first else "Activate"
    paused = draft.starts_paused
    found = [SaveButton("activate", activate, not paused), SaveButton("paused", "Save paused", paused)]
    return tuple(sorted(found, key=lambda one: not one.primary))


def save_words(first: str, before: ScheduleView | None, zone: str, when: When) -> str:
    """Return what saving a changed schedule does to its next run."""
    old = before.next_runs[0].at if before and before.next_runs else None
    if before is not None and before.state != "active":
        return f"Save: it stays {before.state}"
    if old is None or not first:
        return f"Save: next run {first}" if first else "Save"
    if when.moment(old, zone).text == first:
        return f"Save: next run stays {first}"
    day = when.day(old.astimezone(zone_of(zone)).date(), short=True)
    if first.startswith(when.day(old.astimezone(zone_of(zone)).date())):
        day = when.time(old, zone_of(zone))
    return f"Save: next run moves from {day} to {first}"


def done_words(view: ScheduleView, moment: Moment | None, *, edited: bool, people: str, away: bool) -> str:
    """Return what to say after a draft has become a schedule; `away` tells whether Prefect does not answer."""
    if away:
        first = f" {'Next' if edited else 'First'} run {moment.text}." if moment else ""
        return f"Saved; it takes effect when Prefect answers.{first}"
    if view.state == "paused" and not edited:
        return "Saved, and paused. Nothing is sent until you resume it."
    if moment is None:
        return "Saved." if edited else "Active. It is being sent now."
    return (
        f"Saved. Next run {moment.text}."
        if edited
        else f"Active. First run {moment.text}{f', to {people}' if people else ''}."
    )
