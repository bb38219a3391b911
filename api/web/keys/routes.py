"""The pages of keys. A new key is shown once, in the answer to the form that made it, and is kept nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from api.actions.keys import actions as keys
from api.actions.users import actions as users
from api.http.dependencies import Cursor, Id
from api.http.permission import may
from api.web import forms, notices, page, refusals
from api.web.forms import FormDep
from api.web.keys import view
from api.web.parts import FormFault
from api.web.visitor import Visitor, VisitorDep
from mailroom.access.permissions import Action
from mailroom.errors import Fault, Invalid
from mailroom.members.spec import NewKey
from prefect_mailroom.errors import ConfigurationError

router = APIRouter(prefix=view.HOME, include_in_schema=False)
_ROWS = 50
_NAMES = ("name", "scope", "expires_in_days")


@router.get("", openapi_extra=may(Action.KEY_LIST))
async def show(visitor: VisitorDep, cursor: Cursor = None, user: str = "") -> HTMLResponse:
    """Show one's own keys, or those of others to an admin."""
    whose = {"": "me", "all": None}.get(user, user[:240])
    found = await keys.page(visitor.caller, user=whose, cursor=cursor, limit=_ROWS)
    made = view.list_of(
        visitor.request.query_params,
        found.items,
        found.next_cursor,
        await keys.owners(visitor.caller, found.items),
        visitor.when,
        sees_all=visitor.viewer.sees_all,
        changes=visitor.may_any(Action.KEY_REVOKE),
    )
    return await page.render(visitor, "keys/list.html", title="Keys", keys=made, of=user if user != "all" else "")


@router.get("/new", openapi_extra=may(Action.KEY_CREATE))
async def ask_new(visitor: VisitorDep, user: str = "") -> HTMLResponse:
    """Ask what a new key is for."""
    return await _form(visitor, {"user": user[:240]} if user else {})


@router.post("/new", openapi_extra=may(Action.KEY_CREATE))
async def create(visitor: VisitorDep, form: FormDep) -> Response:
    """Make a key and show it, for the only time. It is kept nowhere, so no other page could show it afterwards."""
    given = {name: form.text(name) for name in (*_NAMES, "user") if form.text(name)}
    try:
        made = await keys.create(visitor.caller, NewKey.model_validate(given))
    except ValidationError as error:
        return await _form(visitor, given, Invalid.from_validation(error).faults)
    except Invalid as error:
        return await _form(visitor, given, error.faults)
    except ConfigurationError as error:
        return await _form(visitor, given, told=refusals.words(error).sentence)
    answer = await page.render(
        visitor,
        "keys/made.html",
        title="The new key",
        key=made,
        gives=view.scope_words(made.scope),
        ends=visitor.when.moment(made.expires_at) if made.expires_at else None,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get("/{key_id}/revoke", openapi_extra=may(Action.KEY_REVOKE))
async def ask_revoke(key_id: Id, visitor: VisitorDep) -> HTMLResponse:
    """Ask before a key ends, which cannot be undone."""
    found = await keys.read(visitor.caller, key_id, doing=Action.KEY_REVOKE)
    owner = (await keys.owners(visitor.caller, [found]))[found.user_id]
    rows = view.summary_of(found, owner, visitor.when)
    return await page.render(visitor, "keys/revoke.html", title=f"Revoke {found.name}?", key=found, rows=rows)


@router.post("/{key_id}/revoke", openapi_extra=may(Action.KEY_REVOKE))
async def revoke(key_id: Id, visitor: VisitorDep) -> Response:
    """End a key."""
    found = await keys.read(visitor.caller, key_id, doing=Action.KEY_REVOKE)
    await keys.revoke(visitor.caller, key_id)
    await notices.add(visitor, f"The key “{found.name}” is revoked. Whatever uses it is refused from now on.")
    whose = found.user_id if found.user_id != visitor.user.id else None
    return page.see(visitor, view.HOME, user=whose)


async def _form(
    visitor: Visitor, given: Mapping[str, str], faults: Sequence[Fault] = (), *, told: str = ""
) -> HTMLResponse:
    owner = await users.read(visitor.caller, given["user"]) if given.get("user") else None
    settings = visitor.services.settings
    role = owner.role if owner else visitor.user.role
    fields = view.form_of(role, visitor.caller.context.scope, settings.key_days, given, forms.by_field(faults))
    summary = (FormFault("", told),) if told else forms.summary(faults, _NAMES)
    return await page.render(
        visitor,
        "keys/new.html",
        title="Error: New key" if summary else "New key",
        status=409 if told else 422 if summary else 200,
        fields=fields,
        faults=summary,
        owner=owner.email if owner and owner.id != visitor.user.id else "",
    )
