"""Begin a schedule, and what concerns a draft as a whole."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import RedirectResponse

from api.actions.drafts import actions as drafts
from api.http.dependencies import Id
from api.http.permission import may
from api.web import notices, page
from api.web.forms import FormDep
from api.web.visitor import VisitorDep
from api.web.wizard import beginning
from api.web.wizard.choosing.conflict import chosen, conflict_page
from api.web.wizard.opened import next_step, opened_with, version_in
from api.web.wizard.step import REVIEW, STEPS, Step, address, after
from mailroom.access.permissions import Action
from mailroom.drafts.service import PartOvertaken
from mailroom.errors import NotFound

router = APIRouter(include_in_schema=False)
Key = Annotated[str | None, Query(max_length=80)]


@router.get("/schedules/new", openapi_extra=may(Action.DRAFT_CREATE))
async def new(
    visitor: VisitorDep,
    report: Key = None,
    template: Key = None,
    source: Annotated[str | None, Query(alias="from", max_length=80)] = None,
    q: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Show the first step, filled with what the link carries; nothing is stored."""
    return await beginning.show(visitor, beginning.Wanted.of(visitor, report, template, source, q))


@router.post("/schedules/new", openapi_extra=may(Action.DRAFT_CREATE))
async def begin(visitor: VisitorDep, form: FormDep) -> Response:
    """Make the draft, and go on with the step that is next."""
    return await beginning.begin(visitor, form)


@router.get("/drafts/{draft_id}", openapi_extra=may(Action.DRAFT_READ))
async def resume(draft_id: Id, visitor: VisitorDep) -> Response:
    """Lead to the first step that is missing, or to the last one."""
    draft = await drafts.read(visitor.caller, draft_id)
    return RedirectResponse(address(draft.id, next_step(draft)), 303, {"Cache-Control": "no-store"})


@router.post("/drafts/{draft_id}/delete", openapi_extra=may(Action.DRAFT_DELETE))
async def delete(draft_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Throw a draft away."""
    await drafts.delete(visitor.caller, draft_id)
    await notices.add(visitor, "The draft is thrown away.")
    return page.see(visitor, form.text("back") or "/schedules?view=drafts")


@router.post("/drafts/{draft_id}/forget", openapi_extra=may(Action.DRAFT_CHANGE))
async def forget(draft_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Forget what came with an expired session, and show what is saved."""
    step = _step(form.text("step"))
    await drafts.drop_unsaved(visitor.caller, draft_id, step.part)
    return page.see(visitor, address(draft_id, step))


@router.post("/drafts/{draft_id}/choose", openapi_extra=may(Action.DRAFT_CHANGE))
async def choose(draft_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Save what was chosen, field by field, between two windows."""
    step = _step(form.text("step"))
    draft = await drafts.read(visitor.caller, draft_id)
    opened = await opened_with(visitor, draft, step)
    value = chosen(opened, form)
    try:
        draft = await drafts.put(visitor.caller, draft_id, step.part, value, version=version_in(form, draft.version))
    except PartOvertaken as error:
        return await conflict_page(opened, error.saved)
    if draft.faults_in(step.part):
        return page.see(visitor, f"{address(draft_id, step)}?faults=1")
    return page.see(visitor, address(draft_id, REVIEW if form.text("from") == "review" else after(step)))


def _step(name: str) -> Step:
    found = next((one for one in STEPS if one.name == name), None)
    if found is None:
        raise NotFound(f"There is no step '{name[:40]}'.")
    return found
