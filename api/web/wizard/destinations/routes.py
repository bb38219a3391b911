"""The step about who gets the report: its cards, and what their buttons do. All of it works by plain forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Query, Response

from api.actions.connections import actions as connections
from api.actions.drafts import actions as drafts
from api.http.dependencies import Id
from api.http.permission import may
from api.web import page
from api.web.forms import Form, FormDep
from api.web.visitor import Visitor, VisitorDep
from api.web.wizard import showing
from api.web.wizard.choosing.conflict import conflict_page
from api.web.wizard.destinations import changes, trial
from api.web.wizard.destinations import form as entered
from api.web.wizard.destinations.adding import choices
from api.web.wizard.destinations.loaded import ONE, PEOPLE, RESULT, show_page
from api.web.wizard.destinations.results import What
from api.web.wizard.opened import Opened, open_step
from api.web.wizard.saving import read_form, step_router
from api.web.wizard.step import DESTINATIONS, address
from mailroom.access.permissions import Action
from mailroom.drafts.service import PartOvertaken
from mailroom.reports.spec import ReportDefinition

ADD = "wizard/destinations/add.html"
At = Annotated[int, Query(ge=0, le=100)]
_HERE = f"/drafts/{{draft_id}}/{DESTINATIONS.name}"


def read(form: Form, _definition: ReportDefinition | None) -> Mapping[str, Any]:
    """Return the part that a form has entered."""
    return entered.read(form.nested())


def read_typed(form: Form, _definition: ReportDefinition | None) -> Mapping[str, Any]:
    """Return the part with the lists of recipients as they were typed, to say what was found in them."""
    return entered.read(form.nested(), as_typed=True)


async def show(opened: Opened) -> Response:
    """Show the step."""
    return await show_page(opened)


router = step_router(DESTINATIONS, read, show)


@router.post(f"{_HERE}/preview", openapi_extra=may(Action.DRAFT_READ))
async def preview(draft_id: Id, visitor: VisitorDep, form: FormDep, at: At = 0) -> Response:
    """Say what a card would do at the next run; nothing is stored."""
    opened = await read_form(visitor, draft_id, DESTINATIONS, form, read_typed)
    return await show_page(opened, part=ONE, at=at)


@router.post(f"{_HERE}/people", openapi_extra=may(Action.DRAFT_READ))
async def people(draft_id: Id, visitor: VisitorDep, form: FormDep, at: At = 0) -> Response:
    """Say who was found in the lists of a card; nothing is stored."""
    opened = await read_form(visitor, draft_id, DESTINATIONS, form, read_typed)
    return await show_page(opened, part=PEOPLE, at=at)


@router.post(f"{_HERE}/check", openapi_extra=may(Action.CONNECTION_CHECK))
async def check(draft_id: Id, visitor: VisitorDep, form: FormDep, at: At = 0) -> Response:
    """Ask the far side of a card's connection whether it works; nothing is stored of the form."""
    return await _try(visitor, draft_id, form, "check", at)


@router.post(f"{_HERE}/test", openapi_extra=may(Action.CONNECTION_TRY))
async def send(draft_id: Id, visitor: VisitorDep, form: FormDep, at: At = 0) -> Response:
    """Send what a card would send to the visitor alone, marked as a test; nothing is stored of the form."""
    return await _try(visitor, draft_id, form, "test", at)


@router.get(f"{_HERE}/result", openapi_extra=may(Action.DRAFT_READ))
async def result(
    draft_id: Id,
    visitor: VisitorDep,
    name: Annotated[str, Query(max_length=80)],
    what: What = "test",
    at: At = 0,
) -> Response:
    """Show how a check or test ended that took longer than its page waited."""
    opened = await open_step(visitor, draft_id, DESTINATIONS, read)
    again = f"{address(draft_id, DESTINATIONS)}/result?name={name}&what={what}&at={at}"
    found = await trial.wait(visitor, what, name, again, seconds=0.5)
    return await show_page(opened, part=RESULT, at=at, results={at: found})


@router.get(f"{_HERE}/add", openapi_extra=may(Action.DRAFT_READ))
async def ask(draft_id: Id, visitor: VisitorDep) -> Response:
    """Ask where else the report is to go."""
    return await _ask(await open_step(visitor, draft_id, DESTINATIONS, read))


@router.post(f"{_HERE}/add", openapi_extra=may(Action.DRAFT_CHANGE))
async def add(draft_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Keep the cards as they are, and lead on to the question where else the report is to go."""
    opened = await read_form(visitor, draft_id, DESTINATIONS, form, read)
    return await _keep(opened, opened.value, f"{address(draft_id, DESTINATIONS)}/add")


@router.post(f"{_HERE}/added", openapi_extra=may(Action.DRAFT_CHANGE))
async def added(draft_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Add a card of the channel and connection that were chosen."""
    opened = await open_step(visitor, draft_id, DESTINATIONS, read)
    # It is added to what is there now, so that nothing is overwritten, however old the page is.
    opened = replace(opened, from_review=form.text("from") == "review")
    channel = form.text("channel")
    connection = form.text(f"connection-{channel}")
    if not connection:
        return await _ask(replace(opened, status=422), channel, "Choose where it is to go.")
    value = changes.with_one_more(opened.value, channel, connection, opened.definition)
    last = len(value["destinations"]) - 1
    return await _keep(opened, value, f"{address(draft_id, DESTINATIONS)}#{entered.PREFIX}-{last}")


@router.post(f"{_HERE}/remove", openapi_extra=may(Action.DRAFT_CHANGE))
async def remove(draft_id: Id, visitor: VisitorDep, form: FormDep, at: At = 0) -> Response:
    """Remove a card."""
    opened = await read_form(visitor, draft_id, DESTINATIONS, form, read)
    return await _keep(opened, changes.without_one(opened.value, at), f"{address(draft_id, DESTINATIONS)}#cards")


@router.post(f"{_HERE}/drop", openapi_extra=may(Action.DRAFT_CHANGE))
async def drop(draft_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Take a recipient off a card."""
    opened = await read_form(visitor, draft_id, DESTINATIONS, form, read)
    value, name = changes.without_person(opened.value, form.raw("drop"))
    return await _keep(opened, value, f"{address(draft_id, DESTINATIONS)}#{name}")


@router.post(f"{_HERE}/insert", openapi_extra=may(Action.DRAFT_CHANGE))
async def insert(draft_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Put a variable behind the subject or path of a card."""
    opened = await read_form(visitor, draft_id, DESTINATIONS, form, read)
    value, name = changes.with_variable(opened.value, form.raw("insert"))
    return await _keep(opened, value, f"{address(draft_id, DESTINATIONS)}#{name}")


async def _try(visitor: Visitor, draft_id: str, form: Form, what: What, at: int) -> Response:
    opened = await read_form(visitor, draft_id, DESTINATIONS, form, read_typed)
    given = changes.destinations_in(opened.value)
    body = {**opened.draft.body(), **opened.value}
    if at >= len(given):
        return page.see(visitor, address(draft_id, DESTINATIONS))
    here = f"{address(draft_id, DESTINATIONS)}/result?what={what}&at={at}"
    found = await trial.begin(visitor, what, body, given[at], here)
    return await show_page(opened, part=RESULT, at=at, results={at: found})


async def _keep(opened: Opened, value: Mapping[str, Any], then: str) -> Response:
    """Keep the part as it is after a button, and lead on."""
    visitor, draft = opened.visitor, opened.draft
    try:
        await drafts.put(visitor.caller, draft.id, DESTINATIONS.part, value, version=opened.version)
    except PartOvertaken as error:
        return await conflict_page(replace(opened, value=value), error.saved)
    path, mark, fragment = then.partition("#")
    if opened.from_review:
        path = f"{path}?from=review"
    return page.see(visitor, f"{path}{mark}{fragment}")


async def _ask(opened: Opened, channel: str = "", fault: str = "") -> Response:
    visitor = opened.visitor
    there = (await connections.every(visitor.caller)).items
    found = choices(there, channel, may_make=visitor.may(Action.CONNECTION_CREATE))
    return await showing.show(opened, ADD, choices=found, fault=fault)
