"""Save a step: keep what was entered, then lead on, or show what is wrong or what somebody else has saved meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from api.actions.drafts import actions as drafts
from api.actions.drafts.views import DraftView
from api.http.dependencies import Id
from api.http.permission import may
from api.web import notices, page
from api.web.forms import Form, FormDep
from api.web.parts import Link
from api.web.visitor import Visitor, VisitorDep
from api.web.wizard.choosing.conflict import conflict_page
from api.web.wizard.frame import frame
from api.web.wizard.opened import Opened, Reader, open_step, opened_with, report_of, version_in
from api.web.wizard.step import REVIEW, Step, address, after
from mailroom.access.permissions import Action
from mailroom.drafts.service import PartOvertaken
from mailroom.reports.spec import ReportDefinition

Show = Callable[[Opened], Awaitable[Response]]
"""Returns the page of a step."""
Defaults = Callable[[Opened], Mapping[str, Any]]


def step_router(step: Step, read: Reader, show: Show, *, save: bool = True) -> APIRouter:
    """Return the routes of a step: GET shows it, POST saves it.

    Every other POST below the step's address carries the whole form of the step, too: `read_form` reads it.

    Args:
        read: makes the part's value from the form, also of one with faults; it refuses nothing.
        show: makes the page.
        save: whether POST is the same as for every step; else the step has a POST of its own.
    """
    router = APIRouter(include_in_schema=False)

    async def look(draft_id: Id, visitor: VisitorDep) -> Response:
        return await show(await open_step(visitor, draft_id, step, read))

    async def keep(draft_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
        return await save_step(visitor, draft_id, step, form, read, show)

    path = f"/drafts/{{draft_id}}/{step.name}"
    router.add_api_route(path, look, methods=["GET"], openapi_extra=may(Action.DRAFT_READ))
    if save:
        router.add_api_route(path, keep, methods=["POST"], openapi_extra=may(Action.DRAFT_CHANGE))
    return router


async def read_form(visitor: Visitor, draft_id: str, step: Step, form: Form, read: Reader) -> Opened:
    """Return a step with what a form has entered in it; nothing is stored.

    Raises:
        NotFound: there is no such draft for this visitor.
    """
    opened = await opened_with(visitor, await drafts.read(visitor.caller, draft_id), step)
    return _sent(opened, form, read(form, opened.definition))


def _sent(opened: Opened, form: Form, value: Mapping[str, Any]) -> Opened:
    return replace(
        opened,
        value=value,
        version=version_in(form, opened.draft.version),
        from_review=form.text("from") == "review",
        form=form,
    )


async def save_step(visitor: Visitor, draft_id: str, step: Step, form: Form, read: Reader, show: Show) -> Response:
    """Keep what a form has entered, and lead on where nothing is wrong with it.

    Raises:
        NotFound, Forbidden.
        Conflict: the draft has become a schedule already.
    """
    saved = await save_part(visitor, draft_id, step, form, read)
    return saved if isinstance(saved, Response) else await lead_on(saved, form, show)


async def save_part(visitor: Visitor, draft_id: str, step: Step, form: Form, read: Reader) -> Opened | Response:
    """Keep what a form has entered; return the step with it, or an answer where that ends the request.

    Raises:
        NotFound, Forbidden.
        Conflict: the draft has become a schedule already.
    """
    automatic = visitor.request.query_params.get("save") == "auto"
    before = await drafts.read(visitor.caller, draft_id)
    value = read(form, await _definition(visitor, before))
    try:
        draft = await drafts.put(visitor.caller, draft_id, step.part, value, version=version_in(form, before.version))
    except PartOvertaken as error:
        opened = _sent(await opened_with(visitor, before, step), form, value)
        if automatic:
            return await _saved(opened, "Saved in another window. Continue shows both.")
        return await conflict_page(opened, error.saved)
    opened = replace(_sent(await opened_with(visitor, draft, step), form, value), version=draft.version)
    return await _saved(opened) if automatic else opened


async def lead_on(opened: Opened, form: Form, show: Show) -> Response:
    """Lead to the next step, or show what is wrong with this one; what is closed may have faults."""
    visitor, draft, step = opened.visitor, opened.draft, opened.step
    if form.text("go") == "close":
        ends = visitor.when.day(draft.expires_at.astimezone(visitor.when.zone).date())
        link = Link(address(draft.id, step), "Go on with it")
        await notices.add(visitor, f"The draft is saved. It is kept until {ends}.", link=link)
        return page.see(visitor, "/schedules?view=drafts")
    faults = draft.faults_in(step.part)
    if faults:
        return await show(replace(opened, faults=faults, status=422))
    return page.see(visitor, address(draft.id, REVIEW if opened.from_review else after(step)))


async def _definition(visitor: Visitor, draft: DraftView) -> ReportDefinition | None:
    report = await report_of(visitor, draft)
    return ReportDefinition.model_validate(report.definition) if report else None


async def _saved(opened: Opened, words: str = "") -> HTMLResponse:
    around = frame(opened)
    if words:
        around = replace(around, saved=words)
    html = page.TEMPLATES.get_template("wizard/saved.html").render(frame=around)
    return HTMLResponse(html, 200, page.HEADERS)
