"""Say what an execution sends: it is fixed when its report has been rendered, and every later pass keeps to it.

A change of the schedule or of the report between two passes reaches later executions only.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from mailroom.executions.history.progress import RenderingRecord
from mailroom.executions.reasons import Reason, ReasonCode
from mailroom.passes.conditions.kept import DataKept
from mailroom.rendering.document.filters import filters_of
from mailroom.rendering.service import RenderedReport, RenderRequest
from mailroom.storage.tables import Execution, Json, Schedule


class Withheld(BaseModel):
    """Hold the reason why nothing of an execution is sent."""

    model_config = ConfigDict(frozen=True)

    code: ReasonCode
    values: dict[str, Any]

    @property
    def reason(self) -> Reason:
        """Return the reason as the execution ends with it."""
        return Reason(self.code, self.values)


class Plan(BaseModel):
    """Hold what every recipient of an execution shares, apart from the files and bodies that `renderings` name.

    Attributes:
        data_window: the names of the parameters that bound the data, as the report gave them.
        parameters: the final values, with relative dates resolved.
        filters: the same as (label, value) pairs in words, for people. Earlier versions of Mailroom stored none.
        withheld: why nothing is sent, by the schedule's condition; None where everything is.
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
    withheld: Withheld | None = None

    def because_of(self, reason: Reason | None) -> Plan:
        """Return the plan with the reason why nothing is sent."""
        kept = None if reason is None else Withheld(code=reason.code, values=dict(reason.values))
        return self.model_copy(update={"withheld": kept})

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


def keep_plan(
    execution: Execution, plan: Plan, report: RenderedReport, record: RenderingRecord, data: DataKept | None
) -> None:
    """Fix on the execution's row, which the caller has locked, what every recipient gets, and how it was rendered."""
    execution.data_facts = None if data is None else data.stored()
    execution.rendering = record.stored()
    execution.artifact_ids, execution.report_version, execution.plan = (
        report.artifact_ids,
        plan.report_version,
        plan.stored(),
    )
    execution.export_id = report.artifact_ids[0] if report.artifact_ids else None
