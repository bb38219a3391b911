"""Say what an execution renders: what its schedule wants, or for a correction what the wrong execution had."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.executions import repository as executions
from mailroom.passes.claim import Claimed
from mailroom.passes.conditions.decide import asked_by
from mailroom.passes.conditions.withheld import heeds
from mailroom.passes.planned.plan import Plan
from mailroom.rendering import repository as renderings
from mailroom.rendering.service import RenderRequest, render_request
from mailroom.reports.spec import Format, ReportDefinition
from mailroom.storage.tables import Execution, User


async def request_of(
    session: AsyncSession, claimed: Claimed, definition: ReportDefinition, owner: User | None
) -> RenderRequest:
    """Return what is to be rendered for an execution that has no plan yet.

    A correction has the due time, parameters, formats and zone of the wrong execution, and the report and its data as
    they are now: it shares no rendering with anything else.

    Raises:
        ParametersInvalid, ConfigurationError: see `render_request`.
    """
    execution, spec = claimed.execution, claimed.spec
    wrong = await _planned(session, execution)
    if wrong is None or wrong.plan is None:
        request = render_request(
            definition, spec.parameters, spec.formats, execution.due_at, spec.timing.timezone, owner
        )
    else:
        plan = Plan.model_validate(wrong.plan)
        known = definition.parameters.get("properties", {})
        # A parameter that the report has lost since would refuse the correction, which may be what lost it.
        parameters = {name: value for name, value in plan.parameters.items() if name in known}
        files = await renderings.artifacts(session, wrong.artifact_ids)
        formats = [Format(file.format) for file in files if file.format in set(Format)]
        request = render_request(definition, parameters, formats, execution.due_at, plan.timezone, owner)
    if execution.corrects is not None:
        return replace(request, fresh=execution.id)
    return replace(request, asked=asked_by(spec.condition, definition)) if heeds(execution) else request


async def _planned(session: AsyncSession, execution: Execution) -> Execution | None:
    """Return the latest execution of a chain of corrections that had a plan; None for what corrects nothing."""
    earlier = execution.corrects
    while earlier is not None:
        found = await executions.get(session, earlier)
        if found.plan is not None:
            return found
        earlier = found.corrects
    return None
