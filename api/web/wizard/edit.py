"""Change a schedule: what it is, with a way to change each part; nothing is stored until the visitor changes one."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.actions.apply.marks import mark_of
from api.actions.drafts import actions as drafts
from api.actions.drafts.actions import Beginning
from api.actions.reports import actions as reports
from api.actions.schedules import reads as schedules
from api.actions.schedules.views import ScheduleView
from api.http.dependencies import Id
from api.http.permission import may
from api.web import page
from api.web.as_code.view import origin
from api.web.forms import FormDep
from api.web.parts import Link
from api.web.visitor import Visitor, VisitorDep
from api.web.wizard.step import REVIEW, STEPS, address
from api.web.wizard.summary.rows import rows
from mailroom.access.permissions import Action
from mailroom.as_code.spec import Kind
from mailroom.errors import Forbidden, NotFound

router = APIRouter(include_in_schema=False)


@router.get("/schedules/{schedule_id}/edit", openapi_extra=may(Action.SCHEDULE_CHANGE))
async def show(schedule_id: Id, visitor: VisitorDep) -> Response:
    """Show what the schedule is, and lead on to what was begun already."""
    view = await _schedule(visitor, schedule_id)
    begun = await drafts.edit_of(visitor.caller, schedule_id)
    zone = str(view.timing.get("timezone") or "UTC")
    title, schema = view.report_id, {}
    try:
        report = await reports.read(visitor.caller, view.report_id)
        title, schema = report.title, report.definition.get("parameters", {})
    except (NotFound, Forbidden):
        pass  # The report is gone or not this visitor's; its id has to do.
    found = rows(
        view.model_dump(mode="json"),
        report_title=title,
        schema=schema,
        change={},
        next_run=visitor.when.moment(view.next_runs[0].at, zone).text if view.next_runs else "",
    )
    return await page.render(
        visitor,
        "wizard/edit.html",
        title=f"Change {view.name}",
        view=view,
        origin=origin(await mark_of(visitor.caller, Kind.SCHEDULE, schedule_id), visitor.when),
        rows=list(zip(found, STEPS, strict=False)),
        review=REVIEW,
        begun=Link(address(begun.id, REVIEW), "Go on with them") if begun else None,
        begun_at=visitor.when.moment(begun.updated_at).text if begun else "",
    )


@router.post("/schedules/{schedule_id}/edit", openapi_extra=may(Action.SCHEDULE_CHANGE))
async def begin(schedule_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Make a draft of the schedule, or go on with the one that was begun, and lead to the step to change."""
    await _schedule(visitor, schedule_id)
    step = next((one for one in STEPS if one.name == form.text("step")), REVIEW)
    begun = await drafts.edit_of(visitor.caller, schedule_id)
    draft = begun or await drafts.create(visitor.caller, Beginning({}, edits=schedule_id))
    path = address(draft.id, step)
    return page.see(visitor, path if step is REVIEW else f"{path}?from=review")


async def _schedule(visitor: Visitor, schedule_id: str) -> ScheduleView:
    """Return the schedule that the visitor wants to change.

    Raises:
        NotFound: there is none of that id for this visitor.
        Forbidden: it is not the visitor's to change.
    """
    view = await schedules.read(visitor.caller, schedule_id)
    visitor.viewer.require(Action.SCHEDULE_CHANGE, visitor.viewer.relation_to(view.owner))
    return view
