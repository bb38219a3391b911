"""Make what a check or a test of a connection says on the page. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from api.actions.connections.views import CheckView
from api.actions.distribution.views import TestReceipt
from api.web import refusals
from api.web.parts import Chip
from api.web.when import duration
from mailroom.errors import CheckFailed
from prefect_mailroom.channels.steps import StepName
from prefect_mailroom.errors import MailroomError

STEPS: Mapping[StepName, str] = {
    StepName.PREPARE: "Read the settings",
    StepName.FIND: "Find it on this machine",
    StepName.RESOLVE: "Look up the address",
    StepName.CONNECT: "Connect",
    StepName.ENCRYPT: "Encrypt",
    StepName.HOST_KEY: "Recognise the server",
    StepName.LOGIN: "Log in",
    StepName.ANSWER: "Ask for an answer",
    StepName.WRITE: "Write a small file",
    StepName.READ_BACK: "Read it back",
    StepName.DELETE: "Delete it again",
    StepName.DELIVER: "Send the test message",
}
"""The steps in words; a test walks the enum."""
OK = Chip("Worked", "circle-check", "ok")
BAD = Chip("Failed", "circle-x", "bad")


class Tried(Protocol):
    """A step that was tried, of a view or of an error."""

    @property
    def name(self) -> StepName:
        """Return which one."""

    @property
    def ok(self) -> bool:
        """Return whether it worked."""

    @property
    def message(self) -> str:
        """Return what was found, or went wrong."""

    @property
    def remedy(self) -> str:
        """Return what to do about it."""

    @property
    def seconds(self) -> float:
        """Return how long it took."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was tried, in words."""

    name: str
    chip: Chip
    message: str
    remedy: str
    took: str


@dataclass(frozen=True, slots=True)
class Result:
    """Hold how a check or a test ended.

    Attributes:
        heading: what the focus goes to.
        said: the words of the far side, or what was wrong; `remedy` what to do about it.
    """

    heading: str
    chip: Chip
    said: str
    remedy: str = ""
    steps: tuple[Step, ...] = ()


def works(found: CheckView) -> Result:
    """Return the result of a check that found no fault."""
    return Result("The connection works", OK, found.message, steps=_steps(found.steps))


def arrived(found: TestReceipt) -> Result:
    """Return the result of a test that was confirmed."""
    said = f"The far side confirmed it: {found.reference}."
    return Result(f"The test message went to {found.recipient}", OK, said, steps=_steps(found.steps))


def failed(error: MailroomError, heading: str = "The connection does not work") -> Result:
    """Return the result of a check or test that came to a fault, with the steps before it."""
    told = refusals.words(error)
    tried = _steps(error.steps) if isinstance(error, CheckFailed) else ()
    # The step that failed says the same; it is not said twice.
    if tried and not tried[-1].remedy and tried[-1].message == told.message:
        tried = (*tried[:-1], Step(tried[-1].name, tried[-1].chip, "", "", tried[-1].took))
    return Result(heading, BAD, told.message, told.remedy, tried)


def _steps(found: Iterable[Tried]) -> tuple[Step, ...]:
    return tuple(
        Step(
            STEPS[one.name],
            OK if one.ok else BAD,
            refusals.for_pages(one.message),
            refusals.for_pages(one.remedy),
            duration(one.seconds),
        )
        for one in found
    )
