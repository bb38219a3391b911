"""The last step: check everything, then activate, save paused, or keep it as a template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Query, Response

from api.actions.drafts import actions as drafts
from api.actions.drafts.views import DraftView
from api.actions.schedule_templates import actions as templates
from api.actions.schedules import reads as schedules
from api.actions.schedules.views import PreviewView, ScheduleView
from api.http.dependencies import Id
from api.http.permission import may
from api.http.sandbox import sandboxed
from api.web import notices
from api.web import page as pages
from api.web.forms import Form, FormDep
from api.web.parts import FormFault, Link
from api.web.visitor import Visitor, VisitorDep
from api.web.wizard.ahead import ahead
from api.web.wizard.choosing import edited
from api.web.wizard.destinations import trial
from api.web.wizard.destinations.results import Result
from api.web.wizard.opened import Opened, open_step
from api.web.wizard.saving import lead_on, read_form, save_part, step_router
from api.web.wizard.showing import show
from api.web.wizard.step import REVIEW, address
from api.web.wizard.steps import review_view as view
from api.web.wizard.steps.review_mail import Mail, destinations_in, mail, preview, readers
from api.web.wizard.summary.answers import reach_words
from api.web.wizard.summary.names import proposed
from api.web.wizard.summary.rows import rows
from mailroom.access.permissions import Action
from mailroom.drafts.spec import Part
from mailroom.errors import Conflict, Forbidden, Invalid, NotFound
from mailroom.reports.spec import ReportDefinition
from mailroom.schedule_templates.spec import TemplateSpec

TEMPLATE = "wizard/steps/review.html"
MAIL, RESULT = "wizard/steps/review_mail.html", "wizard/destinations/result.html"
At = Annotated[int, Query(ge=0, le=100)]


def read(form: Form, _report: ReportDefinition | None) -> dict[str, Any]:
    """Return the name as it was entered."""
    return {"name": form.text(view.NAME)}


async def page(opened: Opened) -> Response:
    """Return the page of this step."""
    return await _page(opened)


async def _page(
    opened: Opened,
    *,
    part: str = "",
    at: int = 0,
    letter: Mail | None = None,
    results: Mapping[int, Result] | None = None,
) -> Response:
    """Return the page, or the part of it that htmx asks for: the mail, or the result of a test."""
    visitor, draft = opened.visitor, opened.draft
    body = draft.body()
    preview = await preview_of(visitor, draft)
    before = await _before(visitor, draft)
    name = opened.value.get("name")
    if name is None:
        name = proposed(opened.report.title if opened.report else "", body.get("timing"))
    zone = str((body.get("timing") or {}).get("timezone") or "UTC")
    first = visitor.when.moment(preview.next_runs[0].at, zone).text if preview and preview.next_runs else ""
    found = view.problems(draft)
    step = view.ReviewStep(
        name=view.name_field(str(name), opened.faults),
        rows=rows(
            body,
            report_title=opened.report.title if opened.report else "",
            schema=opened.report.definition.get("parameters", {}) if opened.report else {},
            change=view.change_links(draft),
            next_run=first,
        ),
        problems=found,
        warnings=view.warnings(preview, body["timing"], visitor.when) if preview else (),
        buttons=view.buttons(draft, preview, before, visitor.when) if not found else (),
        readers=readers(draft, visitor.user.email),
    )
    faults = [FormFault(view.NAME, words) for words in step.name.errors]
    tried = results or {}
    return await show(
        opened,
        TEMPLATE,
        part=part,
        faults=faults,
        view=step,
        mail=letter,
        results=tried,
        at=at,
        result=tried.get(at),
    )


async def preview_of(visitor: Visitor, draft: DraftView) -> PreviewView | None:
    """Return what the timing of a draft means; None where that cannot be said."""
    body = draft.body()
    timing = body.get("timing")
    if not isinstance(timing, Mapping):
        return None
    try:
        return await ahead(visitor, draft, timing, body.get("policy") or {})
    except Invalid:
        return None


async def _before(visitor: Visitor, draft: DraftView) -> ScheduleView | None:
    if draft.schedule_id is None:
        return None
    try:
        return await schedules.read(visitor.caller, draft.schedule_id)
    except (NotFound, Forbidden):
        return None


router = step_router(REVIEW, read, page, save=False)


@router.post("/drafts/{draft_id}/review", openapi_extra=may(Action.DRAFT_CHANGE))
async def finish(draft_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Save the name; then activate, save paused, keep as a template, or close, as the button says."""
    saved = await save_part(visitor, draft_id, REVIEW, form, read)
    if isinstance(saved, Response):
        return saved
    match form.text("go"):
        case "activate" | "paused":
            return await _activate(saved, paused=form.text("go") == "paused")
        case "template":
            return await _keep_template(saved)
        case _:
            return await lead_on(saved, form, page)


async def _activate(opened: Opened, *, paused: bool) -> Response:
    visitor, draft = opened.visitor, opened.draft
    faults = draft.faults_in(Part.NAME)
    if faults or draft.missing or draft.faults:
        return await page(replace(opened, faults=faults, status=422))
    try:
        made = await drafts.activate(visitor.caller, draft.id, paused=paused)
    except Conflict as error:
        if not error.stale:
            raise
        return await edited.show(visitor, draft)
    first = made.next_runs[0].at if made.next_runs else None
    zone = str(made.timing.get("timezone") or "UTC")
    # What Prefect only takes a moment for is no outage.
    away = made.sync.state == "pending" and visitor.services.reconciler.silent_since is not None
    words = view.done_words(
        made,
        visitor.when.moment(first, zone) if first else None,
        edited=draft.schedule_id is not None,
        people=reach_words(made.destinations),
        away=away,
    )
    await notices.add(visitor, words, tone="wait" if away else "ok")
    return pages.see(visitor, f"/schedules/{made.id}")


async def _keep_template(opened: Opened) -> Response:
    visitor, body = opened.visitor, opened.draft.body()
    title = str(body.pop("name", "") or "My template")
    made = await templates.create(visitor.caller, TemplateSpec(title=title[:200], body=body))
    link = Link(address(opened.draft.id, REVIEW), "Go on with the draft")
    await notices.add(visitor, f"Saved as the template “{made.title}”.", link=link)
    return pages.see(visitor, f"/templates/{made.id}/edit")


@router.post("/drafts/{draft_id}/review/use", openapi_extra=may(Action.DRAFT_CHANGE))
async def use(draft_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Take the time that was proposed, and show the step again."""
    opened = await read_form(visitor, draft_id, REVIEW, form, read)
    part = opened.draft.parts[Part.TIMING]
    timing = dict(part.value.get("timing") or {})
    day, mark, _ = str(timing.get("at", "")).partition("T")
    timing["at"] = f"{day}T{form.text('use')}" if mark else form.text("use")
    await drafts.put(visitor.caller, draft_id, Part.TIMING, {**part.value, "timing": timing})
    return pages.see(visitor, address(draft_id, REVIEW))


@router.get("/drafts/{draft_id}/review/mail", openapi_extra=may(Action.REPORT_PREVIEW))
async def show_mail(draft_id: Id, visitor: VisitorDep, at: At = 0) -> Response:
    """Show the mail as its readers will see it; it is made with today's data, and nothing is sent."""
    opened = await open_step(visitor, draft_id, REVIEW, read)
    return await _page(opened, part=MAIL, at=at, letter=await mail(visitor, opened.draft, at))


@router.get("/drafts/{draft_id}/review/mail/body", openapi_extra=may(Action.REPORT_PREVIEW))
async def mail_body(draft_id: Id, visitor: VisitorDep, at: At = 0) -> Response:
    """Answer with the body of the mail, for the frame on the page."""
    found = await preview(visitor, await drafts.read(visitor.caller, draft_id), at)
    return sandboxed(found.html, visitor.services.settings)


@router.post("/drafts/{draft_id}/review/test", openapi_extra=may(Action.CONNECTION_TRY))
async def send_test(draft_id: Id, visitor: VisitorDep, form: FormDep, at: At = 0) -> Response:
    """Send the report as it would be sent, marked as a test, to the visitor alone."""
    opened = await read_form(visitor, draft_id, REVIEW, form, read)
    given = destinations_in(opened.draft)
    if at >= len(given):
        return pages.see(visitor, address(draft_id, REVIEW))
    here = f"{address(draft_id, REVIEW)}/result?at={at}"
    body = {**opened.draft.body(), **opened.value}
    found = await trial.begin(visitor, "test", body, given[at], here)
    return await _page(opened, part=RESULT, at=at, results={at: found})


@router.get("/drafts/{draft_id}/review/result", openapi_extra=may(Action.DRAFT_READ))
async def result(draft_id: Id, visitor: VisitorDep, name: Annotated[str, Query(max_length=80)], at: At = 0) -> Response:
    """Show how a test ended that took longer than its page waited."""
    opened = await open_step(visitor, draft_id, REVIEW, read)
    again = f"{address(draft_id, REVIEW)}/result?at={at}&name={name}"
    found = await trial.wait(visitor, "test", name, again, seconds=0.5)
    return await _page(opened, part=RESULT, at=at, results={at: found})
