"""Say how a check or a test of a destination ended, step by step, in the words of the far side. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from api.actions.connections.views import CheckView, StepView
from api.actions.distribution.views import TestReceipt
from api.web.parts import Tone
from api.web.when import When, duration
from mailroom.errors import CheckFailed, Invalid
from prefect_mailroom.channels.base import Grade
from prefect_mailroom.channels.steps import Step, StepName
from prefect_mailroom.errors import MailroomError

What = Literal["check", "test"]
STEPS: Mapping[StepName, str] = {
    StepName.PREPARE: "Prepare",
    StepName.FIND: "Find it",
    StepName.RESOLVE: "Look up the address",
    StepName.CONNECT: "Connect",
    StepName.ENCRYPT: "Encrypt",
    StepName.HOST_KEY: "Know the server by its key",
    StepName.LOGIN: "Log in",
    StepName.ANSWER: "Get an answer",
    StepName.WRITE: "Write a file",
    StepName.READ_BACK: "Read it back",
    StepName.DELETE: "Remove it",
    StepName.DELIVER: "Deliver",
}
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
    """How a check or test ended, or that it is still under way.

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
    told = (
        ("Sent to", receipt.recipient),
        ("Receipt", receipt.reference),
        ("Confirmed", when.time(receipt.confirmed_at, seconds=True)),
        ("What it proves", GRADES[receipt.grade]),
    )
    return Result("test", "ok", "The test was taken.", receipt=told, steps=_steps(receipt.steps))


def failed(what: What, error: MailroomError) -> Result:
    """Return the result of a check or test that did not succeed."""
    heading = "The connection does not work." if what == "check" else "The test was not taken."
    if isinstance(error, CheckFailed):
        return Result(what, "bad", f"{heading} {error.message}", error.remedy, steps=_steps(error.steps))
    if isinstance(error, Invalid):
        told = " ".join(f"{fault.message} {fault.remedy}".strip() for fault in error.faults)
        return Result(what, "bad", f"{heading} {told}")
    return Result(what, "bad", f"{heading} {error.message}", error.remedy)


def under_way(what: What, again: str, seconds: float) -> Result:
    """Return that a check or test has not ended within so many seconds."""
    heading = "The check" if what == "check" else "The test"
    return Result(what, "run", f"{heading} is still going on after {seconds:g} s.", "It ends on its own.", again=again)


def unknown(what: What) -> Result:
    """Return that nobody knows the result any more."""
    where = "The connection's page shows its last check." if what == "check" else "Look at where it was to arrive."
    return Result(what, "off", "The result is not known here any more.", where)


def _steps(steps: Iterable[StepView | Step]) -> tuple[StepLine, ...]:
    return tuple(StepLine(STEPS[one.name], one.message, one.remedy, duration(one.seconds), one.ok) for one in steps)
