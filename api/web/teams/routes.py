"""The pages of teams: the list with a form for a new one, and one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from api.actions.teams import actions as teams
from api.actions.teams.views import TeamView
from api.http.dependencies import Cursor, Reference
from api.http.permission import may
from api.web import forms, notices, page, refusals
from api.web.forms import Form, FormDep
from api.web.parts import Field, FormFault, Pager
from api.web.visitor import Visitor, VisitorDep
from api.web.words import count
from mailroom.access.permissions import Action
from mailroom.errors import Conflict, Fault, Invalid
from mailroom.members.spec import TeamSettings

router = APIRouter(prefix="/settings/teams", include_in_schema=False)
HOME = "/settings/teams"
_ROWS = 50
_NAMES = ("name", "external_id")


@router.get("", openapi_extra=may(Action.TEAM_LIST))
async def show_list(visitor: VisitorDep, cursor: Cursor = None) -> HTMLResponse:
    """Show the teams that the visitor may see, by name."""
    return await _list(visitor, cursor=cursor)


@router.post("", openapi_extra=may(Action.TEAM_CREATE))
async def create(visitor: VisitorDep, form: FormDep) -> Response:
    """Make a team."""
    values = _values(form)
    try:
        made = await teams.create(visitor.caller, _settings(values))
    except (Invalid, Conflict) as error:
        return await _list(visitor, values=values, error=error)
    await notices.add(visitor, f"The team “{made.name}” is made. Put users into it on their pages.")
    return page.see(visitor, HOME)


@router.get("/{team_id}", openapi_extra=may(Action.TEAM_READ))
async def show(team_id: Reference, visitor: VisitorDep) -> HTMLResponse:
    """Show a team."""
    return await _one(visitor, await teams.read(visitor.caller, team_id))


@router.post("/{team_id}", openapi_extra=may(Action.TEAM_CHANGE))
async def change(team_id: Reference, visitor: VisitorDep, form: FormDep) -> Response:
    """Rename a team, or give it another external id."""
    values = _values(form)
    try:
        changed = await teams.replace(visitor.caller, team_id, _settings(values), if_match=form.etag)
    except (Invalid, Conflict) as error:
        return await _one(visitor, await teams.read(visitor.caller, team_id), values=values, error=error)
    await notices.add(visitor, "Saved.")
    return page.see(visitor, f"{HOME}/{changed.id}")


@router.post("/{team_id}/delete", openapi_extra=may(Action.TEAM_DELETE))
async def delete(team_id: Reference, visitor: VisitorDep) -> Response:
    """Delete a team without members."""
    found = await teams.read(visitor.caller, team_id)
    try:
        await teams.delete(visitor.caller, team_id, if_match=None)
    except Conflict as error:
        return await _one(visitor, found, error=error)
    await notices.add(visitor, f"The team “{found.name}” is deleted.")
    return page.see(visitor, HOME)


def _values(form: Form) -> dict[str, Any]:
    return {"name": form.text("name"), "external_id": form.text("external_id") or None}


def _settings(values: Mapping[str, Any]) -> TeamSettings:
    try:
        return TeamSettings.model_validate(dict(values))
    except ValidationError as error:
        raise Invalid.from_validation(error) from error


def _fields(values: Mapping[str, Any], faults: Sequence[Fault]) -> tuple[Field, ...]:
    wrong = forms.by_field(faults)
    return (
        Field("name", "Name", value=str(values.get("name") or ""), errors=wrong.get("name", ())),
        Field(
            "external_id",
            "Id in your product",
            value=str(values.get("external_id") or ""),
            hint="By which another product names this team.",
            errors=wrong.get("external_id", ()),
            optional=True,
        ),
    )


def _faults(error: Invalid | Conflict | None) -> tuple[Sequence[Fault], tuple[FormFault, ...], int]:
    """Return the faults of fields, the summary, and the status of the answer."""
    if isinstance(error, Invalid):
        return error.faults, forms.summary(error.faults, _NAMES), 422
    if error is not None:
        return (), (FormFault("", refusals.words(error).sentence),), 409
    return (), (), 200


async def _list(
    visitor: Visitor,
    *,
    cursor: str | None = None,
    values: Mapping[str, Any] | None = None,
    error: Invalid | Conflict | None = None,
) -> HTMLResponse:
    found = await teams.page(visitor.caller, cursor=cursor, limit=_ROWS)
    faults, summary, status = _faults(error)
    pager = Pager(
        HOME if cursor else "",
        f"{HOME}?cursor={found.next_cursor}" if found.next_cursor else "",
        count(len(found.items), "team"),
    )
    return await page.render(
        visitor,
        "teams/list.html",
        title="Error: Teams" if error else "Teams",
        status=status,
        teams=found.items,
        pager_of=pager,
        fields=_fields(values or {}, faults),
        faults=summary,
    )


async def _one(
    visitor: Visitor,
    team: TeamView,
    *,
    values: Mapping[str, Any] | None = None,
    error: Invalid | Conflict | None = None,
) -> HTMLResponse:
    faults, summary, status = _faults(error)
    return await page.render(
        visitor,
        "teams/one.html",
        title=f"Error: {team.name}" if error else team.name,
        status=status,
        team=team,
        fields=_fields(values or team.model_dump(), faults),
        faults=summary,
        changes=visitor.viewer.sees_all and visitor.may_any(Action.TEAM_CHANGE),
    )
