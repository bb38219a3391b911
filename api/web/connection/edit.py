"""Make a connection, and change its settings. What is typed can be checked before it is saved."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from api.actions.apply.marks import mark_of
from api.actions.connections import actions as connections
from api.actions.connections import unsaved
from api.actions.connections.views import ConnectionDetail, ConnectionKind
from api.http.dependencies import ConnectionName
from api.http.permission import may
from api.http.reading import read as read_as
from api.web import notices, page, words
from api.web.as_code.view import origin
from api.web.connection import checked
from api.web.connection.checked import Result
from api.web.connection.checks import SECONDS, status_of
from api.web.connection.choices import field_named, with_buttons
from api.web.connection.form import RESERVED, ConnectionForm, again, form_of, sent, with_differences
from api.web.connection.kind import about, every_kind, kind_of
from api.web.forms import Form, FormDep
from api.web.parts import Option
from api.web.visitor import Visitor, VisitorDep
from mailroom.access.permissions import Action
from mailroom.as_code.spec import Kind as CodeKind
from mailroom.connections import service as stored
from mailroom.connections.kinds import is_channel
from mailroom.connections.spec import ConnectionSettings, NewConnection, UnsavedConnection, build
from mailroom.errors import CheckFailed, Conflict, Fault, Invalid, TooOften, Unavailable

router = APIRouter(include_in_schema=False)
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
Kind = Annotated[str, Query(max_length=40)]


@router.get("/connections/new", openapi_extra=may(Action.CONNECTION_CREATE))
async def begin(visitor: VisitorDep, kind: Kind = "") -> HTMLResponse:
    """Ask which kind, then show the form of that kind."""
    if not kind:
        return await _choice(visitor)
    return await new_page(visitor, form_of(kind_of(kind), when=visitor.when, is_new=True))


@router.post("/connections/new", openapi_extra=may(Action.CONNECTION_CREATE))
async def create(visitor: VisitorDep, form: FormDep, kind: Kind) -> Response:
    """Make a connection."""
    chosen, settings = kind_of(kind), sent(kind_of(kind), form)
    name, description = form.text("name"), form.text("description")
    try:
        if faults := _wrong(chosen.kind, name, settings):
            raise Invalid(faults)
        wanted = read_as(NewConnection, _body(chosen.kind, settings, description, name=name))
        await connections.create(visitor.caller, wanted)
    except (Invalid, Conflict, Unavailable) as error:
        refused = redrawn_new(visitor, chosen, settings, form, _faults(error))
        return await new_page(visitor, refused, status=_status(error))
    await notices.add(visitor, f"{name} is made. Check it, then say who may use it.")
    return page.see(visitor, f"/connections/{name}")


@router.post("/connections/new/check", openapi_extra=may(Action.CONNECTION_CREATE))
async def check_new(visitor: VisitorDep, form: FormDep, kind: Kind) -> HTMLResponse:
    """Check what is typed, before it is saved."""
    chosen, settings = kind_of(kind), sent(kind_of(kind), form)
    result, faults, status = await _checked(visitor, chosen.kind, settings, None)
    return await new_page(visitor, redrawn_new(visitor, chosen, settings, form, faults), result=result, status=status)


@router.get("/connections/{name}/edit", openapi_extra=may(Action.CONNECTION_CHANGE))
async def edit(name: ConnectionName, visitor: VisitorDep) -> HTMLResponse:
    """Show the form of the settings."""
    return await edit_page(visitor, name, await _as_stored(visitor, name))


@router.post("/connections/{name}/edit", openapi_extra=may(Action.CONNECTION_CHANGE))
async def save(name: ConnectionName, visitor: VisitorDep, form: FormDep) -> Response:
    """Save the settings. Where somebody else has changed them meanwhile, both versions are shown."""
    detail = await detail_of(visitor, name)
    settings, description = sent(kind_of(detail.kind), form, detail.settings), form.text("description")
    try:
        wanted = read_as(ConnectionSettings, _body(detail.kind, settings, description))
        await connections.replace(visitor.caller, name, wanted, if_match=form.etag)
    except (Invalid, Conflict, Unavailable) as error:
        drawn = await _redrawn(visitor, name, settings, description, form, error)
        return await edit_page(visitor, name, drawn, status=_status(error))
    await notices.add(visitor, f"The settings of {name} are saved.")
    return page.see(visitor, f"/connections/{name}")


@router.post("/connections/{name}/edit/check", openapi_extra=may(Action.CONNECTION_CHANGE))
async def check_changed(name: ConnectionName, visitor: VisitorDep, form: FormDep) -> HTMLResponse:
    """Check what is typed with the secrets that are stored, before it is saved."""
    detail = await detail_of(visitor, name)
    chosen = kind_of(detail.kind)
    settings = sent(chosen, form, detail.settings)
    result, faults, status = await _checked(visitor, chosen.kind, settings, name)
    drawn = redrawn_edit(visitor, detail, settings, form, faults)
    return await edit_page(visitor, name, drawn, result=result, status=status)


def redrawn_new(
    visitor: Visitor, kind: ConnectionKind, settings: dict[str, Any], form: Form, faults: Sequence[Fault]
) -> ConnectionForm:
    """Return the form of a new connection with what was typed, and what is wrong with it."""
    shown, lost = again(kind, settings)
    return form_of(
        kind,
        shown,
        when=visitor.when,
        name=form.text("name"),
        description=form.text("description"),
        faults=faults,
        is_new=True,
        lost_secrets=lost,
    )


def redrawn_edit(
    visitor: Visitor, detail: ConnectionDetail, settings: dict[str, Any], form: Form, faults: Sequence[Fault]
) -> ConnectionForm:
    """Return the form of a stored connection with what was typed, and what is wrong with it."""
    shown, lost = again(kind_of(detail.kind), settings, detail.settings)
    return form_of(
        kind_of(detail.kind),
        shown,
        when=visitor.when,
        description=form.text("description"),
        faults=faults,
        etag=form.etag or detail.etag,
        secret_since=detail.secret_changed_at,
        lost_secrets=lost,
    )


async def _checked(
    visitor: Visitor, kind: str, settings: dict[str, Any], name: str | None
) -> tuple[Result | None, list[Fault], int]:
    """Return how a check of unsaved settings ended: its result, or what is wrong with the settings."""
    try:
        wanted = read_as(UnsavedConnection, {"kind": kind, "settings": settings, "connection": name})
        found = await unsaved.check_unsaved(visitor.caller, wanted, seconds=SECONDS)
    except Invalid as error:
        return None, error.faults, 422
    except (CheckFailed, Unavailable, TooOften) as error:
        return checked.failed(error), [], status_of(error)
    return checked.works(found), [], 200


def _wrong(kind: str, name: str, settings: dict[str, Any]) -> list[Fault]:
    """Return what is wrong with a new connection, its name and its settings at once."""
    faults = []
    if not _NAME.fullmatch(name):
        faults.append(Fault("name", "This cannot be a name.", "Use lower-case letters, digits and hyphens."))
    elif name in RESERVED:
        faults.append(Fault("name", f"'{name}' cannot be the name of a connection.", "Choose another one."))
    try:
        build(kind, settings)
    except Invalid as error:
        faults += error.faults
    return faults


def _body(kind: str, settings: dict[str, Any], description: str, **more: str) -> dict[str, Any]:
    return {"kind": kind, "description": description, "settings": settings, **more}


async def _redrawn(
    visitor: Visitor,
    name: str,
    settings: dict[str, Any],
    description: str,
    form: Form,
    error: Invalid | Conflict | Unavailable,
) -> ConnectionForm:
    """Return the form with what was typed; beside it what somebody else has saved meanwhile."""
    detail = await detail_of(visitor, name)
    chosen = kind_of(detail.kind)
    shown, lost = again(chosen, settings, detail.settings)
    is_stale = isinstance(error, Conflict) and error.stale
    # What this very request has begun to save is no change by somebody else.
    own = detail.etag == stored.etag_at(visitor.now)
    drawn = form_of(
        chosen,
        shown,
        when=visitor.when,
        description=description,
        faults=() if is_stale else _faults(error),
        etag=detail.etag if own else form.etag or detail.etag,
        secret_since=detail.secret_changed_at,
        lost_secrets=lost,
    )
    return with_differences(drawn, _stored_form(visitor, detail)) if is_stale else drawn


async def detail_of(visitor: Visitor, name: str) -> ConnectionDetail:
    """Return a connection with its settings, with none where Prefect has lost them."""
    return await connections.read_or_bare(visitor.caller, name)


async def _as_stored(visitor: Visitor, name: str) -> ConnectionForm:
    return _stored_form(visitor, await detail_of(visitor, name))


def _stored_form(visitor: Visitor, detail: ConnectionDetail) -> ConnectionForm:
    return form_of(
        kind_of(detail.kind),
        detail.settings,
        when=visitor.when,
        description=detail.description,
        etag=detail.etag,
        secret_since=detail.secret_changed_at,
    )


def _faults(error: Invalid | Conflict | Unavailable) -> list[Fault]:
    if isinstance(error, Invalid):
        return error.faults
    field = "name" if isinstance(error, Conflict) and not error.stale else ""
    return [Fault(field, error.message, error.remedy)]


def _status(error: Invalid | Conflict | Unavailable) -> int:
    return 422 if isinstance(error, Invalid) else 409 if isinstance(error, Conflict) else 503


async def _choice(visitor: Visitor) -> HTMLResponse:
    options = [(is_channel(one.kind), Option(one.kind, words.kind_words(one.kind), about(one))) for one in every_kind()]
    return await page.render(
        visitor,
        "connection/kinds.html",
        title="New connection",
        groups=(
            ("Where reports go", [option for delivers, option in options if delivers]),
            ("Where their data come from", [option for delivers, option in options if not delivers]),
        ),
    )


async def new_page(
    visitor: Visitor, form: ConnectionForm, *, result: Result | None = None, status: int = 200, listed: str = ""
) -> HTMLResponse:
    """Return the page of a new connection.

    Args:
        listed: the setting that a list was asked for; it alone is drawn where a part of the page is wanted.
    """
    title, kind = f"New connection: {form.kind_words}", form.kind
    form = with_buttons(form, kind_of(kind).choices, f"/connections/new/choices?kind={kind}")
    return await page.render(
        visitor,
        "connection/form.html",
        part="connection/listed.html",
        title=f"Error: {title}" if form.faults else title,
        status=status,
        form=form,
        name="",
        origin=None,
        action=f"/connections/new?kind={kind}",
        check=f"/connections/new/check?kind={kind}",
        result=result,
        listed=field_named(form, listed),
    )


async def edit_page(
    visitor: Visitor,
    name: str,
    form: ConnectionForm,
    *,
    result: Result | None = None,
    status: int = 200,
    listed: str = "",
) -> HTMLResponse:
    """Return the page of a stored connection's settings; see `new_page`."""
    title = f"Edit {name}"
    form = with_buttons(form, kind_of(form.kind).choices, f"/connections/{name}/edit/choices")
    return await page.render(
        visitor,
        "connection/form.html",
        part="connection/listed.html",
        title=f"Error: {title}" if form.faults else title,
        status=status,
        form=form,
        name=name,
        origin=origin(await mark_of(visitor.caller, CodeKind.CONNECTION, name), visitor.when),
        action=f"/connections/{name}/edit",
        check=f"/connections/{name}/edit/check",
        result=result,
        listed=field_named(form, listed),
    )
