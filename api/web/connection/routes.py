"""Serve the page of one connection: its state, settings, users, and who may use it."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from api.actions.apply.marks import mark_of
from api.actions.connections import actions as connections
from api.actions.connections.views import ConnectionDetail, ConnectionView
from api.actions.sharing import granted as grants
from api.http.dependencies import ConnectionName
from api.http.permission import may
from api.web import notices, page
from api.web.as_code.view import needs_secret, origin
from api.web.connection import view
from api.web.connection.can_test import can_test
from api.web.connection.checked import Result
from api.web.connection.kind import kind_of
from api.web.forms import FormDep
from api.web.parts import Field
from api.web.visitor import Visitor, VisitorDep
from mailroom.access.permissions import Action
from mailroom.as_code.spec import Kind
from mailroom.errors import Conflict, Invalid, Unavailable
from mailroom.roles import Role
from prefect_mailroom.errors import ConfigurationError

router = APIRouter(include_in_schema=False)


@router.get("/connections/{name}", openapi_extra=may(Action.CONNECTION_LIST))
async def show(name: ConnectionName, visitor: VisitorDep) -> HTMLResponse:
    """Show a connection."""
    return await one(visitor, name)


@router.post("/connections/{name}/enable", openapi_extra=may(Action.CONNECTION_CHANGE))
async def enable(name: ConnectionName, visitor: VisitorDep) -> Response:
    """Let deliveries go through it again."""
    await connections.enable(visitor.caller, name)
    await notices.add(visitor, f"{name} is switched on. What waited for it goes on now.")
    return page.see(visitor, f"/connections/{name}")


@router.post("/connections/{name}/grants", openapi_extra=may(Action.CONNECTION_GRANT))
async def grant(name: ConnectionName, visitor: VisitorDep, form: FormDep) -> Response:
    """Say who may use it."""
    users = [one.strip() for one in form.raw("users").replace(",", "\n").split("\n") if one.strip()]
    roles = [Role(one) for one in form.many("roles") if one in set(Role)]
    try:
        await grants.write(visitor.caller, name, roles=roles, teams=list(form.many("teams")), users=users)
    except Invalid as error:
        return await one(visitor, name, refused=error, users=form.raw("users"), status=422)
    await notices.add(visitor, f"Saved who may use {name}.")
    return page.see(visitor, f"/connections/{name}#grants")


@router.get("/connections/{name}/delete", openapi_extra=may(Action.CONNECTION_DELETE))
async def ask_to_delete(name: ConnectionName, visitor: VisitorDep) -> HTMLResponse:
    """Ask before a connection is deleted, or say who uses it."""
    return await _deletion(visitor, name)


@router.post("/connections/{name}/delete", openapi_extra=may(Action.CONNECTION_DELETE))
async def delete(name: ConnectionName, visitor: VisitorDep, form: FormDep) -> Response:
    """Delete a connection that nothing uses."""
    try:
        await connections.delete(visitor.caller, name, if_match=form.etag)
    except Conflict as error:
        if error.stale or not error.faults:
            raise
        return await _deletion(visitor, name, status=409)
    await notices.add(visitor, f"The connection {name} is deleted.")
    return page.see(visitor, "/connections")


async def one(
    visitor: Visitor,
    name: str,
    *,
    result: Result | None = None,
    test_to: Field | None = None,
    refused: Invalid | None = None,
    users: str | None = None,
    status: int = 200,
) -> HTMLResponse:
    """Return the page of a connection, or the part that says how a check ended."""
    rights = _rights(visitor)
    found, trouble = await _read(visitor, name, rights)
    used = await connections.uses(visitor.caller, name) if rights.uses else None
    granted = None
    if rights.grant:
        errors = view.errors_of(refused) if refused else {}
        granted = view.grants(await grants.read(visitor.caller, name), errors, users)
    detail = found if isinstance(found, ConnectionDetail) else None
    mark = await mark_of(visitor.caller, Kind.CONNECTION, found.name)
    shown = view.page(
        found,
        visitor.when,
        rights,
        kind=kind_of(found.kind) if detail else None,
        settings=detail.settings if detail else None,
        used=used,
        granted=granted,
        can_test=can_test(found.kind, visitor.user.email),
        test_to=test_to or view.recipient_field(visitor.user.email, found.kind),
    )
    return await page.render(
        visitor,
        "connection/page.html",
        part="connection/state.html",
        title=f"{shown.name} · Connections",
        status=status,
        page=shown,
        origin=origin(mark, visitor.when),
        needs=needs_secret(mark, found.secret_changed_at),
        result=result,
        trouble=trouble,
    )


async def _read(visitor: Visitor, name: str, rights: view.Rights) -> tuple[ConnectionView, str]:
    """Return a connection with its settings, without them where they may not be read or cannot be; and why not."""
    if not rights.change:
        return await connections.brief(visitor.caller, name), ""
    try:
        return await connections.read_to_change(visitor.caller, name), ""
    except Unavailable:
        away = "Prefect is not answering, and the settings are kept there. They are shown again when it is back."
        return await connections.brief(visitor.caller, name), away
    except ConfigurationError:
        lost = "The settings of this connection are gone from Prefect. Edit the connection and save them again."
        return await connections.brief(visitor.caller, name), lost


async def _deletion(visitor: Visitor, name: str, status: int = 200) -> HTMLResponse:
    found = await connections.brief(visitor.caller, name)
    used = view.uses(await connections.uses(visitor.caller, name))
    return await page.render(
        visitor,
        "connection/delete.html",
        title=f"Delete {found.name}?",
        status=status,
        connection=found,
        used=used,
    )


def _rights(visitor: Visitor) -> view.Rights:
    def of_thing(action: Action) -> bool:
        return visitor.may(action, of_thing=True)

    return view.Rights(
        change=of_thing(Action.CONNECTION_CHANGE),
        delete=of_thing(Action.CONNECTION_DELETE),
        check=of_thing(Action.CONNECTION_CHECK),
        test=visitor.may(Action.CONNECTION_TRY),
        grant=of_thing(Action.CONNECTION_GRANT),
        uses=of_thing(Action.CONNECTION_USES),
    )
