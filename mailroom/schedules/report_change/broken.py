"""Find the schedules that a definition of their report does not fit: formats, parameters, variables.

Nothing in a schedule names a column of its report, so no change of columns can break one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer
from mailroom.errors import Fault, Invalid
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules import repository as stored
from mailroom.schedules.checks import report_faults
from mailroom.schedules.spec import ScheduleSpec, stored_spec
from mailroom.storage.tables import Schedule


@dataclass(frozen=True, slots=True)
class Broken:
    """A schedule that its report does not fit, whose it is, and why. `by_change`: an earlier definition did fit it."""

    schedule_id: str
    name: str
    owner: str
    faults: list[Fault]
    by_change: bool

    @property
    def why(self) -> str:
        """Return every fault as a sentence."""
        return "; ".join(str(fault) for fault in self.faults)

    def __str__(self) -> str:
        return f"It breaks the schedule '{self.name}' of {self.owner} ({self.schedule_id}): {self.why}"


async def broken_by(
    session: AsyncSession, definition: ReportDefinition, *, before: dict[str, Any] | None, viewer: Viewer
) -> list[Broken]:
    """Return the report's schedules, not deleted, that could not be saved as they are with this definition of it.

    Args:
        before: the stored definition that it replaces.
    """
    rows = await stored.of_report(session, definition.id, viewer=viewer)
    earlier = _readable(before)

    def compare() -> list[Broken]:
        found = []
        for row, owner in rows:
            if faults := faults_of(row, definition):
                # What did not fit before either, such as a channel that is not installed here, is not of this change.
                by_change = earlier is None or faults_of(row, earlier) != faults
                found.append(Broken(row.id, row.name, owner, faults, by_change))
        return found

    # A millisecond each: too long for an event loop that others share, when they are thousands.
    return await asyncio.to_thread(compare)


def faults_of(row: Schedule, definition: ReportDefinition) -> list[Fault]:
    """Return what of a stored schedule its report does not have or take. Pure."""
    try:
        return report_faults(stored_spec(row), definition)
    except Invalid as error:  # A channel that takes these settings no longer, or is not installed here.
        return error.faults
    except ValidationError as error:
        return Invalid.from_validation(error, model=ScheduleSpec).faults


def _readable(stored_definition: dict[str, Any] | None) -> ReportDefinition | None:
    try:
        return ReportDefinition.model_validate(stored_definition)
    except ValidationError:  # Written by an earlier version; whatever breaks now counts as broken by the change.
        return None
