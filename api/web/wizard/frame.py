"""Make the frame around a step: the line of steps, the heading, the buttons, and what the visitor should know. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.web.parts import FormFault, Link
from api.web.wizard.opened import Opened
from api.web.wizard.step import REVIEW, STEPS, Step, address, number, of_part
from api.web.wizard.summary.answers import answer
from mailroom.drafts.spec import Part


@dataclass(frozen=True, slots=True)
class StepLine:
    """One entry of the line of steps: its number, and its name or its answer."""

    number: int
    term: str
    answer: str
    href: str
    current: bool
    done: bool
    faulty: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """Hold what surrounds the form of a step.

    Attributes:
        action: where the form is sent to.
        waits: what has to be done first, with the link to it.
        kept: what to say where entries of an expired session are shown.
        gone: what to say where the draft has become a schedule, with the link to it.
    """

    draft_id: str
    version: int
    action: str
    question: str
    place: str
    back: Link
    lines: tuple[StepLine, ...]
    saved: str
    faults: tuple[FormFault, ...]
    waits: Link | None
    waits_words: str
    kept: str
    gone: Link | None
    from_review: bool
    may_save: bool
    continue_words: str


WAITS = {
    Part.REPORT: ("This step depends on the report, and none is chosen yet.", "Choose a report"),
    Part.TIMING: ("It is not said yet when it should be sent.", "Choose when it is sent"),
    Part.DESTINATIONS: ("It is not said yet who gets it.", "Choose who gets it"),
}


def frame(opened: Opened, faults: Sequence[FormFault] = ()) -> Frame:
    """Return the frame of a step."""
    draft, step = opened.draft, opened.step
    waits = opened.waits_for
    gone = draft.activated_as
    return Frame(
        draft_id=draft.id,
        version=opened.version,
        action=address(draft.id, step),
        question=f"Change {draft.name or 'the schedule'}" if opened.is_edit and step is REVIEW else step.question,
        place=f"Step {number(step)} of {len(STEPS)}",
        back=_back(opened),
        lines=_lines(opened),
        saved=saved_words(opened),
        faults=tuple(faults),
        waits=Link(address(draft.id, of_part(waits)), WAITS[waits][1]) if waits else None,
        waits_words=WAITS[waits][0] if waits else "",
        kept="Signed in again. Your entries were kept." if opened.kept_at else "",
        gone=Link(f"/schedules/{gone}", "Go to the schedule") if gone else None,
        from_review=opened.from_review,
        may_save=gone is None and waits is None,
        continue_words="Continue",
    )


def saved_words(opened: Opened) -> str:
    """Return when the part was last saved, such as "Saved 09:41 CET"."""
    part = opened.draft.parts.get(opened.step.part)
    return f"Saved {opened.visitor.when.time(part.saved_at)}" if part and not opened.kept_at else ""


def _back(opened: Opened) -> Link:
    here = STEPS.index(opened.step)
    if opened.from_review:
        return Link(address(opened.draft.id, REVIEW), "Back to the check")
    if opened.is_edit and opened.step is REVIEW:
        return Link(f"/schedules/{opened.draft.schedule_id}", "Back to the schedule")
    if here == 0:
        return Link("/schedules", "Schedules")
    return Link(address(opened.draft.id, STEPS[here - 1]), f"Back to {STEPS[here - 1].term.lower()}")


def _lines(opened: Opened) -> tuple[StepLine, ...]:
    return tuple(_line(opened, step) for step in STEPS)


def _line(opened: Opened, step: Step) -> StepLine:
    draft = opened.draft
    part = draft.parts.get(step.part)
    seen = part is not None and part.version > 0  # What a template proposes is nobody's answer yet.
    there = seen and step.part not in draft.missing and step is not REVIEW
    faulty = there and bool(draft.faults_in(step.part))
    words = ""
    if there and part is not None:
        words = answer(step.part, part.value, report_title=opened.report.title if opened.report else "")
    query = "?from=review" if opened.from_review and step is not REVIEW else ""
    return StepLine(
        number=number(step),
        term=step.term,
        answer=words,
        href=f"{address(draft.id, step)}{query}",
        current=step is opened.step,
        done=there and not faulty,
        faulty=faulty,
    )
