"""Define the errors of rendering, in addition to those of the sources.

MailroomError
└── RenderFailed        the report could not be made from its data
    └── LimitExceeded     it wanted more time, memory, output or rows than its limits give
"""

from __future__ import annotations

from typing import Literal, TypeVar

from prefect_mailroom.errors import MailroomError

E = TypeVar("E", bound=MailroomError)
Limit = Literal["seconds", "memory_mb", "output_mb", "rows", "delivered_mb"]


class RenderFailed(MailroomError):
    """A report could not be rendered; the same data and definition will fail again.

    Args:
        report: the report's id.
        section: where in the report, such as `sections[2] (table "Delays")` or `query 'delays'`.
    """

    def __init__(self, message: str, *, remedy: str = "", report: str = "", section: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.report = report
        self.section = section


class LimitExceeded(RenderFailed):
    """A rendering was ended because it wanted more than `limit` gives.

    Args:
        limit: the field of `mailroom.rendering.job.Limits` at fault, or `delivered_mb`.
    """

    def __init__(self, message: str, *, limit: Limit, remedy: str = "", report: str = "", section: str = "") -> None:
        super().__init__(message, remedy=remedy, report=report, section=section)
        self.limit: Limit = limit


def placed(error: E, *, report: str, section: str = "") -> E:
    """Return the same error, its message led by the report and, where known, its part. An error is placed once."""
    if getattr(error, "placed", False):
        return error
    place = f"Report '{report}'" + (f", {section}" if section else "")
    error.message = f"{place}: {error.message}"
    if isinstance(error, RenderFailed):
        error.report = error.report or report
        error.section = error.section or section
    return as_placed(error)


def as_placed(error: E) -> E:
    """Return the same error, marked as one whose message already names its place."""
    error.placed = True  # type: ignore[attr-defined]  # a mark on the instance; the tree itself stays as it is
    return error
