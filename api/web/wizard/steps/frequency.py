"""The second step: when it is sent, with what that means at its side."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fastapi import Response

from api.actions.calendars import actions as calendars
from api.actions.drafts import actions as drafts
from api.actions.load.around import around, others_of
from api.actions.load.zones import zones_in_use
from api.actions.schedules.views import PreviewView
from api.http.dependencies import Id
from api.http.permission import may
from api.web import page as pages
from api.web.choices.zones import zone_options
from api.web.forms import Form, FormDep
from api.web.visitor import VisitorDep
from api.web.wizard.ahead import ahead
from api.web.wizard.frame import frame
from api.web.wizard.opened import Opened
from api.web.wizard.saving import read_form, step_router
from api.web.wizard.showing import errors, show, summary
from api.web.wizard.step import FREQUENCY
from api.web.wizard.steps.frequency_fields import fields
from api.web.wizard.steps.frequency_form import place, read
from api.web.wizard.steps.frequency_preview import Panel, panel
from api.web.wizard.steps.frequency_words import say
from mailroom.access.permissions import Action
from mailroom.errors import Fault, Invalid
from mailroom.schedules.conflicts.survey import Timings
from mailroom.timing import TIMING

TEMPLATE = "wizard/steps/frequency.html"
PANEL = "wizard/steps/frequency_panel.html"
_PROPOSED = {"frequency": "weekly", "days": ["mon"], "at": "09:00"}


async def page(opened: Opened) -> Response:
    """Return the page of this step."""
    others = await others_of(opened.visitor.caller, opened.draft.schedule_id)
    return await _page(opened, await panel_of(opened, others), others)


async def _page(opened: Opened, side: Panel, others: Timings) -> Response:
    visitor = opened.visitor
    timing = opened.value.get("timing")
    kind = str(timing.get("frequency", "")) if isinstance(timing, Mapping) else ""

    def where(fault: Fault) -> str:
        return place(fault, kind)

    def words(fault: Fault) -> str:
        return say(fault, opened.value)

    used = await zones_in_use(visitor.caller, others)
    listed = (await calendars.every(visitor.caller)).items
    view = fields(
        opened.value,
        errors(opened.faults, where, words),
        zone=visitor.user.timezone,
        zones=zone_options(visitor.user.timezone, used, visitor.now),
        calendars=[(one.id, one.title) for one in listed],
    )
    return await show(opened, TEMPLATE, faults=summary(opened.faults, where, words), view=view, panel=side)


async def panel_of(opened: Opened, others: Timings) -> Panel:
    """Return what the timing of a step means; while it has faults, the dates of the last one without any."""
    visitor, timing = opened.visitor, opened.value.get("timing") or _PROPOSED
    timing = {"timezone": visitor.user.timezone, **timing}
    try:
        found = await ahead(visitor, opened.draft, timing, opened.value.get("policy") or {}, others)
    except Invalid as error:
        good = _good(opened.form) if opened.form else None
        said = list(dict.fromkeys(say(fault, {"timing": timing}) for fault in error.faults))
        last = await _last_good(opened, good, others)
        return panel(last, None, good or {}, visitor.when, stale=True, faults=said)
    zone = str(timing["timezone"])
    first = found.next_runs[0].at if found.next_runs else None
    load = await around(visitor.caller, first, zone, others) if first else None
    return panel(found, load, timing, visitor.when)


async def _last_good(opened: Opened, good: Mapping[str, Any] | None, others: Timings) -> PreviewView | None:
    if not good:
        return None
    try:
        return await ahead(opened.visitor, opened.draft, good, {}, others)
    except Invalid:
        return None


router = step_router(FREQUENCY, read, page)


@router.post("/drafts/{draft_id}/frequency/preview", openapi_extra=may(Action.DRAFT_READ))
async def look(draft_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Show what the timing means that is in the form; nothing is stored."""
    opened = await read_form(visitor, draft_id, FREQUENCY, form, read)
    others = await others_of(visitor.caller, opened.draft.schedule_id)
    side = await panel_of(opened, others)
    if pages.wants_part(visitor.request):
        html = pages.TEMPLATES.get_template(PANEL).render(panel=side, frame=frame(opened), visitor=visitor)
        return Response(html, 200, pages.HEADERS, "text/html")
    return await _page(opened, side, others)


@router.post("/drafts/{draft_id}/frequency/use", openapi_extra=may(Action.DRAFT_CHANGE))
async def use(draft_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Take the time that was proposed, and show the step again."""
    opened = await read_form(visitor, draft_id, FREQUENCY, form, read)
    timing = dict(opened.value.get("timing") or {})
    at = form.text("use")
    day, mark, _ = str(timing.get("at", "")).partition("T")
    timing["at"] = f"{day}T{at}" if mark else at
    value = {**opened.value, "timing": timing}
    draft = await drafts.put(visitor.caller, draft_id, FREQUENCY.part, value)
    if draft.faults_in(FREQUENCY.part):
        return await page(
            replace(opened, draft=draft, value=value, version=draft.version, faults=draft.faults_in(FREQUENCY.part))
        )
    path = f"/drafts/{draft_id}/frequency"
    return pages.see(visitor, f"{path}?from=review" if opened.from_review else path)


def _good(form: Form) -> Mapping[str, Any] | None:
    """Return the last timing without faults, which the page carries along."""
    text = form.raw("good")
    try:
        found = json.loads(text) if text else None
        return TIMING.validate_python(found).model_dump(mode="json") if found else None
    except (ValueError, RecursionError):
        return None
