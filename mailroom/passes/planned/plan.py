"""Say what an execution sends: it is fixed when its report has been rendered, and every later pass keeps to it.

A change of the schedule or of the report between two passes reaches later executions only.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from mailroom.executions.history.progress import RenderingRecord
from mailroom.rendering.document.filters import filters_of
from mailroom.rendering.service import RenderedReport, RenderRequest
from mailroom.storage.tables import Execution, Json, Schedule


class Plan(BaseModel):
    """Hold what every recipient of an execution shares, apart from the files and bodies that `renderings` name.

    Attributes:
        data_window: the names of the parameters that bound the data, as the report gave them.
        parameters: the final values, with relative dates resolved.
        filters: the same as (label, value) pairs in words, for people. Earlier versions of Mailroom stored none.
        renderings: the ids of the renderings, in the order of their pieces.
    """

    model_config = ConfigDict(frozen=True)

    report_id: str
    report_title: str
    report_version: str
    data_window: str | None
    schedule_name: str
    timezone: str
    parameters: dict[str, Any]
    renderings: tuple[str, ...]
    filters: tuple[tuple[str, str], ...] = ()

    def stored(self) -> Json:
        """Return the plan as the execution's row keeps it."""
        return self.model_dump(mode="json")


def plan_of(schedule: Schedule, request: RenderRequest, report: RenderedReport) -> Plan:
    """Return the plan of an execution whose report has just been rendered. Pure."""
    definition = request.definition
    return Plan(
        report_id=definition.id,
        report_title=definition.title,
        report_version=definition.version,
        data_window=definition.data_window,
        schedule_name=schedule.name,
        timezone=request.timezone,
        parameters=request.parameters,
        renderings=tuple(rendering.id for rendering in report.renderings),
        filters=tuple(filters_of(definition, request.parameters, ZoneInfo(request.timezone))),
    )


def keep_plan(execution: Execution, plan: Plan, report: RenderedReport, record: RenderingRecord) -> None:
    """Fix on the execution's row, which the caller has locked, what every recipient gets, and how it was rendered."""
    execution.rendering = record.stored()
    execution.artifact_ids, execution.report_version, execution.plan = (
        report.artifact_ids,
        plan.report_version,
        plan.stored(),
    )
    execution.export_id = report.artifact_ids[0] if report.artifact_ids else None
