"""Say how a check or a test of a destination ended, step by step, in the words of the far side. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from api.actions.connections.views import CheckView, StepView
from api.actions.distribution.views import TestReceipt
from api.web import refusals
from api.web.connection import checked as checks
from api.web.parts import Tone
from api.web.when import When, duration
from mailroom.errors import CheckFailed, Invalid
from prefect_mailroom.channels.base import Grade
from prefect_mailroom.channels.steps import Step, StepName
from prefect_mailroom.errors import MailroomError

What = Literal["check", "test"]
# A test of a draft prepares more than settings: it makes the report.
STEPS: Mapping[StepName, str] = {**checks.STEPS, StepName.PREPARE: "Prepare", StepName.DELIVER: "Deliver"}
GRADES: Mapping[Grade, str] = {
    Grade.STORED: "The far side holds the content: it was read back, or its size or checksum was.",
    Grade.ACCEPTED_WITH_ID: "The far side took it, and gave an ID.",
    Grade.ACCEPTED: "The far side said yes.",
}


@dataclass(frozen=True, slots=True)
class StepLine:
    """A step that was tried: its name, what was said, what to do, and how long it took."""

    words: str
    message: str
    remedy: str
    took: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Result:
    """Hold how a check or test ended, or that it is still under way.

    Attributes:
        receipt: what was confirmed, with its label.
        again: where to ask for the result while it is under way; empty when it is done.
    """

    what: What
    tone: Tone
    heading: str
    remedy: str = ""
    receipt: tuple[tuple[str, str], ...] = ()
    steps: tuple[StepLine, ...] = ()
    again: str = ""


def checked(view: CheckView) -> Result:
    """Return the result of a connection that works."""
    return Result("check", "ok", "The connection works.", view.message, steps=_steps(view.steps))


def tested(receipt: TestReceipt, when: When) -> Result:
    """Return the result of a test that arrived."""
    # A path is a template still; the receipt has it with its values.
    to = (("Sent to", receipt.recipient),) if "@" in receipt.recipient else ()
    told = (
        *to,
        ("Receipt", receipt.reference),
        ("Confirmed", when.time(receipt.confirmed_at, seconds=True)),
        ("What it proves", GRADES[receipt.grade]),
    )
    return Result("test", "ok", "The test was taken.", receipt=told, steps=_steps(receipt.steps))


def failed(what: What, error: MailroomError) -> Result:
    """Return the result of a check or test that did not succeed."""
    heading = "The connection does not work." if what == "check" else "The test was not taken."
    if isinstance(error, Invalid):
        return Result(what, "bad", f"{heading} {' '.join(refusals.of_fault(one).sentence for one in error.faults)}")
    told = refusals.words(error)
    steps = _steps(error.steps) if isinstance(error, CheckFailed) else ()
    return Result(what, "bad", f"{heading} {told.message}", told.remedy, steps=steps)


def under_way(what: What, again: str, seconds: float) -> Result:
    """Return that a check or test has not ended within so many seconds."""
    heading = "The check" if what == "check" else "The test"
    return Result(what, "run", f"{heading} is still going on after {seconds:g} s.", "It ends on its own.", again=again)


def unknown(what: What) -> Result:
    """Return that nobody knows the result any more."""
    where = "The connection's page shows its last check." if what == "check" else "Look at where it was to arrive."
    return Result(what, "off", "The result is not known here any more.", where)


def _steps(steps: Iterable[StepView | Step]) -> tuple[StepLine, ...]:
    return tuple(
        StepLine(STEPS[one.name], one.message, refusals.for_pages(one.remedy), duration(one.seconds), one.ok)
        for one in steps
    )
