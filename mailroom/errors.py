"""Define the errors of the domain, which the API and the command line show.

MailroomError
├── Invalid          what was sent cannot be stored; names every fault
├── NotFound         no such thing (or not for this user)
├── Forbidden        this user may see it, and may not do this
├── Conflict         it contradicts what is there: a stale ETag, a wrong state, a name in use
│   ├── BreaksSchedules  a report that active schedules do not fit; it can be saved if they may be suspended
│   └── LimitReached     there are as many already as one user may have
├── TooOften         as many were asked for within the hour as one user may ask for
├── Gone             it was there once, and is kept no longer
├── NoSuchChannel    this version has no channel of that name
├── CheckFailed      a check or test of a connection came to a step that failed; wraps the error of that step
└── Unavailable      (Retryable) something we depend on does not answer; try again later
    └── ReadOnly     Mailroom is read-only, and this would change something
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from mailroom.fields import place
from prefect_mailroom.channels.steps import Step
from prefect_mailroom.errors import ConfigurationError, MailroomError, Retryable


@dataclass(frozen=True, slots=True)
class Limited:
    """The limit that a refusal is about.

    Attributes:
        name: the limit, such as `schedules`.
        limit: what it allows; `used`: what there is, or would be.
        ask: who can raise it.
    """

    name: str
    limit: int | float | str
    used: int | float | str
    ask: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: `field` is its dotted place in the input, `message` what is wrong, `remedy` what to do.

    `limited` is set where a limit of the user is what is in the way. `code` names the case, where a page has other
    words for it than a program; for a fault that pydantic found it is the type of pydantic's error.
    """

    field: str
    message: str
    remedy: str = ""
    limited: Limited | None = None
    code: str = ""

    def __str__(self) -> str:
        return f"{self.field}: {self.message} {self.remedy}".strip()


class Invalid(MailroomError):
    """The input cannot be stored."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = faults

    @classmethod
    def at(cls, field: str, message: str, remedy: str = "", *, code: str = "") -> Invalid:
        """Return the error for one fault."""
        return cls([Fault(field, message, remedy, code=code)])

    @classmethod
    def from_validation(
        cls, error: ValidationError, prefix: str = "", model: type[BaseModel] | TypeAdapter[Any] | None = None
    ) -> Invalid:
        """Return pydantic's errors in our words, without the input values, which may be secret."""
        found = error.errors(include_input=False, include_url=False)
        return cls([fault_from(detail, prefix, model) for detail in found])

    @classmethod
    def from_configuration(cls, error: ConfigurationError, prefix: str = "") -> Invalid:
        """Return a refusal of the Prefect collection, placed below `prefix`, with all pydantic errors behind it."""
        if isinstance(error.__cause__, ValidationError):
            return cls.from_validation(error.__cause__, prefix)
        field = ".".join(part for part in (prefix, error.field) if part)
        return cls.at(field, error.message, error.remedy, code=error.code)


_REMEDIES = {
    "extra_forbidden": "Remove it, or check its spelling.",
    "missing": "Add it.",
    "union_tag_invalid": "Use one of the kinds listed in the message.",
    "unknown_country": "GET /api/v1/calendars/countries lists them.",
}


def fault_from(
    detail: ErrorDetails, prefix: str = "", model: type[BaseModel] | TypeAdapter[Any] | None = None
) -> Fault:
    """Return one pydantic error as a fault.

    Args:
        model: what was validated. With it, branches of unions are left out of the field, see `mailroom.fields`.
    """
    loc = place(model, detail["loc"]) if model else detail["loc"]
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        message = "This setting does not exist."
    field = ".".join(str(part) for part in ([prefix] if prefix else []) + list(loc))
    return Fault(field, message, _REMEDIES.get(detail["type"], ""), code=detail["type"])


class NotFound(MailroomError):
    """The thing does not exist, or this user may not see it."""


class Forbidden(MailroomError):
    """The user may see the thing, and may not do this to it; or may not do this at all."""


class Conflict(MailroomError):
    """The request contradicts what is stored.

    Args:
        stale: whether the caller worked from an old version (a wrong `If-Match`).
        faults: what of the things that are there is in the way, one by one.
    """

    def __init__(
        self, message: str, *, remedy: str = "", stale: bool = False, faults: Sequence[Fault] = (), code: str = ""
    ) -> None:
        super().__init__(message, remedy=remedy, code=code)
        self.stale, self.faults = stale, list(faults)


class BreaksSchedules(Conflict):
    """The new version of a report would break active schedules; `faults` names them, their owners and why."""


class LimitReached(Conflict):
    """There are as many already as one user may have."""

    def __init__(self, message: str, limited: Limited, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.limited = limited


class TooOften(MailroomError):
    """The user has asked for as many within the hour as users may; in `again_in` seconds there is room for one."""

    def __init__(self, message: str, limited: Limited, *, again_in: float, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.limited, self.again_in = limited, again_in


class Gone(MailroomError):
    """The thing existed once and is no longer kept."""


class NoSuchChannel(MailroomError):
    """This version has no channel of that name."""


class CheckFailed(MailroomError):
    """A check or a test of a connection came to a step that failed.

    Args:
        cause: the error of that step, which decides how the refusal is answered.
        steps: what was tried, in order, the failed one included.
    """

    def __init__(self, cause: MailroomError, steps: Sequence[Step]) -> None:
        super().__init__(cause.message, remedy=cause.remedy, code=cause.code)
        self.cause, self.steps = cause, list(steps)


class Unavailable(Retryable, MailroomError):
    """Something that we depend on does not answer."""


class ReadOnly(Unavailable):
    """Mailroom is read-only: a person has it so for a while, such as during an upgrade."""
