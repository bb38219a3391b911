"""Make what a check or a test of a connection says on the page. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from api.actions.connections.views import CheckView
from api.actions.distribution.views import TestReceipt
from api.web.parts import Chip
from api.web.when import duration
from mailroom.errors import CheckFailed
from prefect_mailroom.channels.steps import StepName
from prefect_mailroom.errors import MailroomError

STEPS: dict[StepName, str] = {
    StepName.PREPARE: "Prepare",
}
_OK = Chip("Worked", "circle-check", "ok")
_BAD = Chip("Failed", "circle-x", "bad")


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was tried."""

    name: str
    chip: Chip
    message: str
    remedy: str
    took: str


@dataclass(frozen=True, slots=True)
class Result:
    """How a check or a test ended, in the words of the far side.

    Attributes:
        heading: what the focus goes to.
        said: what the far side said, or what was wrong; `remedy` what to do about it.
    """

    heading: str
    chip: Chip
    said: str
    remedy: str = ""
    steps: tuple[Step, ...] = ()


def works(found: CheckView) -> Result:
    """Return the result of a check that found no fault."""
    return Result("The connection works", _OK, found.message, steps=steps(found.steps))


def arrived(found: TestReceipt) -> Result:
    """Return the result of a test that was confirmed."""
    heading = f"The test message went to {found.recipient}"
    return Result(heading, _OK, f"The far side confirmed it: {found.reference}", steps=steps(found.steps))


def failed(error: MailroomError, *, what: str = "The connection does not work") -> Result:
    """Return the result of a check or test that came to a fault, with the steps before it."""
    tried = steps(error.steps) if isinstance(error, CheckFailed) else ()
    return Result(what, _BAD, error.message, error.remedy, tried)


def steps(found: Iterable[object]) -> tuple[Step, ...]:
    """Return the steps that were tried, in words."""
    return tuple(_step(one) for one in found)


def _step(one: object) -> Step:
    name, ok = getattr(one, "name"), getattr(one, "ok")  # noqa: B009
    raise NotImplementedError(name, ok)
