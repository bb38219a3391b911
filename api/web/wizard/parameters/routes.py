"""The step about the report's data: save it, say what it means, and show the report with it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import ValidationError

from api.actions.conditions import actions as past_runs
from api.actions.distribution.written import WrittenSchedule, as_written, situation
from api.actions.drafts import actions as drafts
from api.actions.reports import actions as reports
from api.http.dependencies import Id
from api.http.json_body import parse
from api.http.permission import may
from api.http.sandbox import sandboxed
from api.web import refusals
from api.web.conditions import form as conditions
from api.web.conditions.past import Past, past
from api.web.forms import Form, FormDep
from api.web.visitor import Visitor, VisitorDep
from api.web.wizard import showing
from api.web.wizard.opened import Opened
from api.web.wizard.parameters import form as fields
from api.web.wizard.parameters.view import Panel, Shown, panel, parameters_view, place, say_in, shown, target
from api.web.wizard.saving import read_form, step_router
from api.web.wizard.step import PARAMETERS
from mailroom.access.permissions import Action
from mailroom.errors import Invalid, NotFound
from mailroom.executions.conditions.spec import Condition
from mailroom.reports.spec import ReportDefinition
from prefect_mailroom.errors import MailroomError

PAGE, PANEL, DATA = (f"wizard/parameters/{name}.html" for name in ("page", "panel", "data"))
_HERE = f"/drafts/{{draft_id}}/{PARAMETERS.name}"


def read(form: Form, definition: ReportDefinition | None) -> Mapping[str, Any]:
    """Return the part that a form has entered."""
    sent = form.nested().get(fields.PREFIX)
    schema: Mapping[str, Any] = definition.parameters if definition else {}
    return {
        "parameters": fields.read(schema, sent if isinstance(sent, Mapping) else {}, form.text("zone")),
        "condition": conditions.read(form),
    }


async def show(opened: Opened) -> Response:
    """Show the step."""
    return await _page(opened)


router = step_router(PARAMETERS, read, show)


@router.post(f"{_HERE}/preview", openapi_extra=may(Action.DRAFT_READ))
async def preview(draft_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Say what the entries mean for the next runs; nothing is stored."""
    opened = await read_form(visitor, draft_id, PARAMETERS, form, read)
    return await _page(opened, part=PANEL)


@router.post(f"{_HERE}/data", openapi_extra=may(Action.REPORT_PREVIEW))
async def show_data(draft_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Run the report with the entries; nothing is stored."""
    opened = await read_form(visitor, draft_id, PARAMETERS, form, read)
    return await _page(opened, part=DATA, data=await _rendered(opened))


@router.get(f"{_HERE}/data", openapi_extra=may(Action.REPORT_PREVIEW))
async def data(
    draft_id: Id, visitor: VisitorDep, parameters: Annotated[str, Query(max_length=20_000)] = "{}"
) -> Response:
    """Answer with the report itself, for the frame on the step's page."""
    draft = await drafts.read(visitor.caller, draft_id)
    values = parse(parameters.encode("utf-8", "surrogatepass"), what="The parameters")
    report_id = draft.body().get("report_id")
    if not isinstance(values, dict) or not isinstance(report_id, str):
        raise NotFound("There is nothing to show.")
    return sandboxed(await _report(visitor, report_id, values), visitor.services.settings)


async def _rendered(opened: Opened) -> Shown:
    """Run the report, and return the frame with it, or why there is none."""
    report_id, parameters = opened.draft.body().get("report_id"), opened.value["parameters"]
    began = time.monotonic()
    try:
        await _report(opened.visitor, str(report_id), parameters, anew=True)
    except Invalid as error:
        told = " ".join(refusals.of_fault(one).sentence for one in error.faults)
        return Shown(fault="Some values have to be changed first.", remedy=told)
    except MailroomError as error:
        words = refusals.words(error)
        return Shown(fault=words.message, remedy=words.remedy)
    return shown(opened.draft.id, parameters, time.monotonic() - began)


async def _report(visitor: Visitor, report_id: str, parameters: dict[str, Any], *, anew: bool = False) -> bytes:
    """Return the report as HTML; the frame gets what its page has rendered for this person a moment ago."""
    kept, key = visitor.services.shown, (visitor.user.id, report_id, repr(sorted(parameters.items())))
    if anew or (found := kept.get(key)) is None:
        found = kept[key] = await reports.preview(visitor.caller, report_id, parameters)
    return found


async def _page(opened: Opened, *, part: str = "", data: Shown | None = None) -> Response:
    definition = opened.definition
    if definition is None:
        return await showing.show(opened, PAGE, view=None, panel=Panel(), data=None)
    say = say_in(definition)
    columns = await past_runs.columns(opened.visitor.caller, definition)
    errors = showing.errors(opened.faults, place, say)
    view = parameters_view(definition, opened.value, _zone(opened), errors, columns)
    return await showing.show(
        opened,
        PAGE,
        part=part,
        faults=showing.summary(opened.faults, target(view), say),
        view=view,
        panel=await _panel(opened),
        data=data,
    )


async def _panel(opened: Opened) -> Panel:
    """Return what the entries mean for the next runs, as far as it is known when those are."""
    parameters = opened.value.get("parameters", {})
    body = as_written(opened.draft.body(), parameters=parameters)
    try:
        found = await situation(opened.visitor.caller, WrittenSchedule.model_validate(body), count=3)
    except Invalid as error:
        return Panel(faults=tuple(refusals.of_fault(one).sentence for one in error.faults))
    is_now = body.get("timing", {}).get("frequency", "immediate") == "immediate"
    shown = panel(found, parameters, opened.visitor.when, is_now=is_now)
    return replace(shown, past=await _past(opened))


async def _past(opened: Opened) -> Past | None:
    """Return what the condition would have meant for past runs of a schedule that is changed; None where it is none."""
    schedule_id, given = opened.draft.schedule_id, opened.value.get("condition")
    if schedule_id is None:
        return None
    try:
        condition = Condition.model_validate(given or {})
        found = await past_runs.look_back(opened.visitor.caller, schedule_id, condition)
    except (ValidationError, MailroomError):
        return None  # The form says what is wrong with it.
    return past(found, opened.visitor.when, _zone(opened))


def _zone(opened: Opened) -> str:
    """Return the zone of the schedule, or the visitor's own while there is none."""
    timing = opened.draft.body().get("timing")
    zone = timing.get("timezone") if isinstance(timing, Mapping) else None
    return zone if isinstance(zone, str) else opened.visitor.user.timezone
