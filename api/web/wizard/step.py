"""Define the steps of the wizard, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailroom.drafts.spec import Part


@dataclass(frozen=True, slots=True)
class Step:
    """A page of the wizard.

    Attributes:
        name: the last part of its address.
        part: the part of the draft that it fills in.
        question: its heading.
        term: its name in the line of steps.
        waits_for: the parts that it needs to be there.
    """

    name: str
    part: Part
    question: str
    term: str
    waits_for: tuple[Part, ...] = ()


REPORT = Step("report", Part.REPORT, "Which report?", "Report")
FREQUENCY = Step("frequency", Part.TIMING, "When should it be sent?", "Frequency")
PARAMETERS = Step("parameters", Part.PARAMETERS, "Which data?", "Data", (Part.REPORT,))
DESTINATIONS = Step("destinations", Part.DESTINATIONS, "Who gets it?", "Recipients", (Part.REPORT,))
REVIEW = Step("review", Part.NAME, "Check and activate", "Check", (Part.REPORT, Part.TIMING, Part.DESTINATIONS))
STEPS: Sequence[Step] = (REPORT, FREQUENCY, PARAMETERS, DESTINATIONS, REVIEW)


def number(step: Step) -> int:
    """Return the place of a step, from 1 on."""
    return STEPS.index(step) + 1


def after(step: Step) -> Step:
    """Return the step behind this one; the last one is its own."""
    return STEPS[min(STEPS.index(step) + 1, len(STEPS) - 1)]


def of_part(part: Part) -> Step:
    """Return the step that fills in a part."""
    return next(one for one in STEPS if one.part is part)


def address(draft_id: str, step: Step) -> str:
    """Return the address of a step of a draft."""
    return f"/drafts/{draft_id}/{step.name}"
