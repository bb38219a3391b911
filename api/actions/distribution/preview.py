"""Show the subject, text and paths of a destination with their values, while its schedule is being written."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from api.actions.caller import Caller
from api.actions.distribution.written import WrittenSchedule, situation
from api.actions.view import View
from mailroom.errors import Fault
from mailroom.reports.parameters import ParametersInvalid, resolve_parameters, with_defaults
from mailroom.reports.spec import Format, ReportDefinition
from mailroom.schedules.texts.preview import PLACE, expanded
from mailroom.schedules.texts.values import values_at
from mailroom.schedules.variables import template_faults
from prefect_mailroom.channels.registry import destination
from prefect_mailroom.errors import ConfigurationError


class DestinationPreviewRequest(WrittenSchedule):
    """A destination to preview, with as much of its schedule as is known."""

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
    there = await situation(caller, wanted)
    definition, due = there.definition, there.due[0]
    parameters, faults = _parameters(definition, wanted.parameters, due.at, there.timezone)
    values = values_at(
        due.at,
        timezone=there.timezone,
        report_id=definition.id,
        report_title=definition.title,
        schedule_name=there.name,
        data_window=definition.data_window,
        parameters=parameters,
        execution_id="preview",
    )
    formats = {f"{definition.id}.{one}": one for one in there.formats}
    found = expanded(wanted.destination, values, list(formats), caller=caller.context.user.email)
    faults += found.faults
    told = {fault.field for fault in faults}
    faults += [one for one in _at_every_delivery(wanted, definition, there.timezone) if one.field not in told]
    return DestinationPreview(
        due_at=due.at,
        due_local=due.local,
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
