"""Show the subject, text and paths of a destination with their values, while its schedule is being written."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.actions.caller import Caller
from api.actions.view import View
from mailroom.calendars.service import chosen_calendar
from mailroom.errors import Fault, Invalid
from mailroom.reports import repository as report_repository
from mailroom.reports.parameters import ParametersInvalid, resolve_parameters, with_defaults
from mailroom.reports.spec import Format, ReportDefinition, Slug
from mailroom.schedules.forecast import forecast
from mailroom.schedules.texts.preview import PLACE, expanded
from mailroom.schedules.texts.values import values_at
from mailroom.schedules.variables import template_faults
from mailroom.timing import Timing
from mailroom.timing.model import Immediate
from prefect_mailroom.channels.registry import destination
from prefect_mailroom.errors import ConfigurationError


class DestinationPreviewRequest(BaseModel):
    """A destination to preview, with as much of its schedule as is known."""

    model_config = ConfigDict(extra="forbid")

    report_id: Slug
    name: str = Field(default="", max_length=200, description="Of the schedule; by default the title of the report.")
    timing: Timing | None = Field(default=None, description="Its next due time is previewed; by default that is now.")
    parameters: dict[str, Any] = Field(default_factory=dict)
    formats: list[Format] = Field(default_factory=list, max_length=7, description="By default those of the report.")
    destination: dict[str, Any] = Field(description="As in a schedule, whole or not yet.")


class FaultView(View):
    """One thing that would be refused when the schedule is saved."""

    field: str = Field(examples=["destination.subject"], description="The dotted place in the body.")
    message: str
    remedy: str


class PreviewedFile(View):
    """One file of a delivery, with the settings that are expanded for it."""

    filename: str = Field(examples=["sales-by-region.pdf"])
    format: Format
    texts: dict[str, str] = Field(
        examples=[{"path": "in/2026/11/sales-by-region.pdf"}], description="By the name of the setting."
    )


class DestinationPreview(View):
    """The texts and paths that the delivery of the next due time would have."""

    due_at: datetime
    due_local: datetime
    texts: dict[str, str] = Field(
        examples=[{"subject": "Sales by region 2026-11-30", "text": "Dear readers"}],
        description="What the whole delivery has, by the name of the setting. One that is wrong is left out.",
    )
    files: list[PreviewedFile]
    faults: list[FaultView]


async def preview(caller: Caller, wanted: DestinationPreviewRequest) -> DestinationPreview:
    """Return what the next delivery would say and where it would put its files. Nothing is stored or sent.

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
    due = forecast(timing, business, now=context.now, count=1).due
    if not due:
        raise Invalid.at("timing", "This timing has no due time any more.", "Choose a time in the future.")
    definition = ReportDefinition.model_validate(row.definition)
    parameters, faults = _parameters(definition, wanted.parameters, due[0].at, timing.timezone)
    values = values_at(
        due[0].at,
        timezone=timing.timezone,
        report_id=definition.id,
        report_title=definition.title,
        schedule_name=wanted.name or definition.title,
        data_window=definition.data_window,
        parameters=parameters,
        execution_id="preview",
    )
    formats = {f"{definition.id}.{one}": one for one in wanted.formats or definition.formats}
    found = expanded(wanted.destination, values, list(formats), caller=context.user.email)
    faults += found.faults
    told = {fault.field for fault in faults}
    faults += [one for one in _at_every_delivery(wanted, definition, timing.timezone) if one.field not in told]
    return DestinationPreview(
        due_at=due[0].at,
        due_local=due[0].local,
        texts=found.texts,
        files=[PreviewedFile(filename=name, format=formats[name], texts=own) for name, own in found.files.items()],
        faults=[FaultView.model_validate(fault) for fault in faults],
    )


def _parameters(
    definition: ReportDefinition, given: dict[str, Any], due_at: datetime, timezone: str
) -> tuple[dict[str, Any], list[Fault]]:
    """Return the values at this time; where some are wrong, as they were given, with what is wrong about them."""
    try:
        return resolve_parameters(definition.parameters, given, due_at, timezone), []
    except ParametersInvalid as error:
        faults = [Fault(f"parameters.{problem.field}", problem.message) for problem in error.problems]
        return with_defaults(definition.parameters, given), faults


def _at_every_delivery(wanted: DestinationPreviewRequest, definition: ReportDefinition, timezone: str) -> list[Fault]:
    """Return what the next delivery can do and saving refuses all the same, as for a format of another kind."""
    try:
        target = destination(wanted.destination)
    except ConfigurationError:
        return []  # The preview has told it.
    faults = template_faults([target], definition, wanted.parameters, timezone)
    return [Fault(one.field.replace("destinations.0", PLACE, 1), one.message, one.remedy) for one in faults]
