"""Define a schedule that somebody is writing, as far as it is known, and find what its next delivery depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.actions.caller import Caller
from mailroom.calendars.service import chosen_calendar
from mailroom.errors import Invalid
from mailroom.reports import repository as report_repository
from mailroom.reports.spec import Format, ReportDefinition, Slug
from mailroom.schedules.forecast import DueTime, forecast
from mailroom.timing import Timing
from mailroom.timing.model import Immediate


class WrittenSchedule(BaseModel):
    """Hold as much of a schedule as is known while it is being written."""

    model_config = ConfigDict(extra="forbid")

    report_id: Slug
    name: str = Field(default="", max_length=200, description="Of the schedule; by default the title of the report.")
    timing: Timing | None = Field(default=None, description="Its next due time is previewed; by default that is now.")
    parameters: dict[str, Any] = Field(default_factory=dict)
    formats: list[Format] = Field(default_factory=list, max_length=7, description="By default those of the report.")


def as_written(body: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Return what is known of the body of a schedule, without the parts that cannot be read.

    Args:
        changes: what is known better, such as the parameters that are being changed.
    """
    known = {**body, **changes}
    fields = ("report_id", "name", "timing", "parameters", "formats")
    found = {name: known[name] for name in fields if known.get(name)}
    try:
        WrittenSchedule.model_validate(found)
    except ValidationError as error:
        wrong = {str(fault["loc"][0]) for fault in error.errors(include_input=False, include_url=False)}
        found = {name: value for name, value in found.items() if name not in wrong}
    return found


@dataclass(frozen=True, slots=True)
class Situation:
    """Hold what a schedule that is being written has in fact.

    Attributes:
        due: its next due times, one at least.
    """

    definition: ReportDefinition
    name: str
    timezone: str
    formats: tuple[Format, ...]
    due: tuple[DueTime, ...]


async def situation(caller: Caller, wanted: WrittenSchedule, *, count: int = 1) -> Situation:
    """Return the report and the next due times of a schedule that is being written.

    Raises:
        Invalid: the report or calendar does not exist for this caller, or the timing is never due.
    """
    context = caller.context
    timing = wanted.timing or Immediate(frequency="immediate", timezone=context.user.timezone)
    async with caller.session() as session:
        business = await chosen_calendar(session, timing.calendar, viewer=context.viewer)
        row = await report_repository.find(session, wanted.report_id, viewer=context.viewer)
    if row is None:
        message = f"names the report '{wanted.report_id}', which does not exist."
        raise Invalid.at("report_id", message, "GET /api/v1/reports lists them.", code="no_report")
    due = forecast(timing, business, now=context.now, count=count).due
    if not due:
        raise Invalid.at("timing", "This timing has no due time any more.", "Choose a time in the future.")
    definition = ReportDefinition.model_validate(row.definition)
    return Situation(
        definition,
        wanted.name or definition.title,
        timing.timezone,
        tuple(wanted.formats or definition.formats),
        tuple(due),
    )
