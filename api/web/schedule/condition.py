"""The page that says whether past runs of a schedule would have been sent, under its condition or another."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import ValidationError

from api.actions.conditions import actions as conditions
from api.actions.schedule import page as gathering
from api.http.dependencies import Id
from api.http.permission import may
from api.web import forms, page
from api.web.conditions import form as fields
from api.web.conditions.past import past
from api.web.forms import Form
from api.web.visitor import VisitorDep
from api.web.wizard.showing import errors, summary
from mailroom.access.permissions import Action
from mailroom.errors import Fault, Invalid
from mailroom.executions.conditions.spec import Condition
from mailroom.reports.spec import ReportDefinition

router = APIRouter(include_in_schema=False)


@router.get("/schedules/{schedule_id}/condition", openapi_extra=may(Action.SCHEDULE_READ))
async def show(schedule_id: Id, visitor: VisitorDep) -> Response:
    """Show which of the last runs would have been sent; what is tried is in the query string, and nothing is stored."""
    brief = await gathering.brief(visitor.caller, schedule_id)
    sent = Form(tuple(visitor.request.query_params.multi_items()))
    written = brief.spec.condition.model_dump(mode="json")
    given: dict[str, Any] = fields.read(sent) if sent.has(fields.NAME) else written
    faults: list[Fault] = []
    shown = None
    try:
        found = await conditions.look_back(visitor.caller, schedule_id, Condition.model_validate(given))
        shown = past(found, visitor.when, brief.spec.timing.timezone)
    except ValidationError as error:
        faults = [_below(one) for one in Invalid.from_validation(error, model=Condition).faults]
    except Invalid as error:
        faults = error.faults
    report = brief.around.report
    definition = ReportDefinition.model_validate(report.definition) if report else None
    columns = await conditions.columns(visitor.caller, definition) if definition else {}
    wrong = errors(faults, lambda fault: forms.flat(fault.field), fields.say)
    return await page.render(
        visitor,
        "schedule/condition.html",
        title=f"Would it have been sent? · {brief.schedule.name}",
        status=422 if faults else 200,
        id=schedule_id,
        name=brief.schedule.name,
        faults=summary(faults, lambda fault: forms.flat(fault.field), fields.say),
        fields=fields.fields(given, definition, columns, wrong) if definition else None,
        past=shown,
    )


def _below(fault: Fault) -> Fault:
    """Return a fault of a condition at its place in a schedule."""
    return Fault(f"condition.{fault.field}", fault.message, fault.remedy, code=fault.code)
