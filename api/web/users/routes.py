"""The list of users, and the page of one: role, team, schedules, last log-in, one-time links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from api.actions.login import links
from api.actions.teams import actions as teams
from api.actions.teams.views import TeamView
from api.actions.users import actions as users
from api.actions.users import overview
from api.actions.users.overview import MemberFilter
from api.http.dependencies import Cursor, Reference
from api.http.permission import may
from api.web import forms, notices, page, refusals
from api.web.forms import Form, FormDep
from api.web.parts import FormFault
from api.web.users import view
from api.web.visitor import Visitor, VisitorDep
from mailroom.access.permissions import Action
from mailroom.errors import Conflict, Fault, Invalid
from mailroom.members.links import NewLink, Purpose
from mailroom.members.spec import UserSettings
from mailroom.roles import Role

router = APIRouter(prefix=view.HOME, include_in_schema=False)
Text = Annotated[str, Query(max_length=320)]
_ROWS, _MOST_TEAMS = 50, 200
_STATES = {"active": True, "disabled": False}
_NAMES = ("name", "email", "role", "team", "timezone", "external_id", "grants-", "is_service")


@router.get("", openapi_extra=may(Action.USER_LIST))
async def show_list(
    visitor: VisitorDep, cursor: Cursor = None, search: Text = "", role: Text = "", team: Text = "", state: Text = ""
) -> HTMLResponse:
    """Show the users that the visitor may see, by address."""
    chosen = Role(role) if role in set(Role) else None
    wanted = MemberFilter(search.strip() or None, chosen, team or None, _STATES.get(state))
    found = await overview.page(visitor.caller, wanted, cursor=cursor, limit=_ROWS)
    made = view.list_of(visitor.request.query_params, found, await _teams(visitor), visitor.when)
    return await page.render(visitor, "users/list.html", title="Users", users=made)


@router.get("/new", openapi_extra=may(Action.USER_CREATE))
async def ask_new(visitor: VisitorDep) -> HTMLResponse:
    """Ask what a new user is to be."""
    return await _form(visitor, view.blank(visitor.user.timezone))


@router.post("/new", openapi_extra=may(Action.USER_CREATE))
async def create(visitor: VisitorDep, form: FormDep) -> Response:
    """Make a user."""
    values = _values(form)
    try:
        made = await users.create(visitor.caller, _settings(values))
    except (Invalid, Conflict) as error:
        return await _form(visitor, values, error)
    await notices.add(visitor, f"{made.name} is a user now. A one-time link lets {made.name} in.")
    return page.see(visitor, view.href(made.id))


@router.get("/{user_id}", openapi_extra=may(Action.USER_READ))
async def show(user_id: Reference, visitor: VisitorDep) -> HTMLResponse:
    """Show a user."""
    return await _page(visitor, user_id)


@router.get("/{user_id}/edit", openapi_extra=may(Action.USER_CHANGE))
async def ask_change(user_id: Reference, visitor: VisitorDep) -> HTMLResponse:
    """Ask what of a user is to be another."""
    found = await users.read(visitor.caller, user_id)
    return await _form(visitor, found.model_dump(mode="json"), of=found.id, etag=found.etag)


@router.post("/{user_id}/edit", openapi_extra=may(Action.USER_CHANGE))
async def change(user_id: Reference, visitor: VisitorDep, form: FormDep) -> Response:
    """Change a user."""
    found, values = await users.read(visitor.caller, user_id), _values(form)
    try:
        wanted = _settings({**values, "is_active": found.is_active})
        changed = await users.replace(visitor.caller, user_id, wanted, if_match=form.etag)
    except (Invalid, Conflict) as error:
        return await _form(visitor, values, error, of=found.id, etag=form.etag or "")
    told = f"{len(changed.suspended)} schedules are suspended, since this role owns none. " if changed.suspended else ""
    await notices.add(visitor, f"Saved. {told}".strip(), tone="warn" if told else "ok")
    return page.see(visitor, view.href(changed.id))


@router.post("/{user_id}/enable", openapi_extra=may(Action.USER_CHANGE))
async def enable(user_id: Reference, visitor: VisitorDep) -> Response:
    """Let a disabled user in again."""
    found = await users.read(visitor.caller, user_id)
    values = {name: value for name, value in found.model_dump().items() if name in UserSettings.model_fields}
    wanted = UserSettings.model_validate({**values, "is_active": True})
    await users.replace(visitor.caller, user_id, wanted, if_match=found.etag)
    await notices.add(visitor, f"{found.name} can log in again. Schedules that were suspended stay so.")
    return page.see(visitor, view.href(found.id))


@router.post("/{user_id}/link", openapi_extra=may(Action.USER_LINK))
async def make_link(user_id: Reference, visitor: VisitorDep, form: FormDep) -> HTMLResponse:
    """Make a one-time link and show it, for the only time."""
    purpose = Purpose.RESET if form.text("purpose") == Purpose.RESET else Purpose.LOGIN
    try:
        made = await links.make(visitor.caller, user_id, NewLink(purpose=purpose))
    except Conflict as error:
        return await _page(visitor, user_id, fault=error)
    answer = await _page(visitor, user_id, link=made)
    answer.headers["Cache-Control"] = "no-store"
    return answer


async def _page(
    visitor: Visitor, user_id: str, *, link: links.LinkView | None = None, fault: Conflict | None = None
) -> HTMLResponse:
    found = await overview.read(visitor.caller, user_id)
    names = {team.id: team.name for team in await _teams(visitor)}
    return await page.render(
        visitor,
        "users/one.html",
        title=found.user.name or found.user.email,
        status=409 if fault else 200,
        user=found.user,
        state=view.state_chip(found.user),
        rows=view.summary_of(found, names.get(found.user.team or "", ""), visitor.when),
        base=view.href(found.user.id),
        changes=visitor.viewer.sees_all and visitor.may_any(Action.USER_CHANGE),
        passwords=visitor.services.settings.local_log_in,
        link=link,
        link_ends=visitor.when.moment(link.expires_at) if link else None,
        faults=(FormFault("", refusals.words(fault).sentence),) if fault else (),
    )


async def _form(
    visitor: Visitor,
    values: Mapping[str, Any],
    error: Invalid | Conflict | None = None,
    *,
    of: str = "",
    etag: str = "",
) -> HTMLResponse:
    faults: Sequence[Fault] = error.faults if isinstance(error, Invalid) else ()
    summary = forms.summary(faults, _NAMES)
    if isinstance(error, Conflict):
        summary = (FormFault("", refusals.words(error).sentence),)
    fields = view.form_of(values, await _teams(visitor), visitor.when, forms.by_field(faults))
    title = f"Change {values.get('name') or 'the user'}" if of else "New user"
    return await page.render(
        visitor,
        "users/form.html",
        title=f"Error: {title}" if error else title,
        status=409 if isinstance(error, Conflict) else 422 if error else 200,
        heading=title,
        fields=fields,
        faults=summary,
        action=view.href(of, "edit") if of else f"{view.HOME}/new",
        back=view.href(of) if of else view.HOME,
        etag=etag,
    )


def _values(form: Form) -> dict[str, Any]:
    found: dict[str, Any] = {name: form.text(name) for name in ("name", "email", "role", "timezone")}
    found |= {name: form.text(name) or None for name in ("team", "external_id")}
    return found | {"is_service": form.has("is_service"), "grants": list(form.many("grants-"))}


def _settings(values: Mapping[str, Any]) -> UserSettings:
    try:
        return UserSettings.model_validate(dict(values))
    except ValidationError as error:
        raise Invalid.from_validation(error) from error


async def _teams(visitor: Visitor) -> list[TeamView]:
    return (await teams.page(visitor.caller, cursor=None, limit=_MOST_TEAMS)).items
