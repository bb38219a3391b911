"""List what can be chosen in the form of a connection, such as buckets: by a button, with or without JavaScript."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from api.actions.connections import unsaved
from api.actions.connections.views import ChoicesView
from api.http.dependencies import ConnectionName
from api.http.permission import may
from api.http.reading import read as read_as
from api.web.connection.choices import said_no, with_choices
from api.web.connection.edit import Kind, detail_of, edit_page, new_page, redrawn_edit, redrawn_new
from api.web.connection.form import ConnectionForm, sent
from api.web.connection.kind import kind_of
from api.web.forms import FormDep
from api.web.visitor import Visitor, VisitorDep
from mailroom.access.permissions import Action
from mailroom.connections.spec import UnsavedConnection
from mailroom.errors import CheckFailed, Fault, Invalid, TooOften, Unavailable
from prefect_mailroom.errors import MailroomError

router = APIRouter(include_in_schema=False)
Of = Annotated[str, Query(max_length=60, alias="field")]
"""The setting whose button was pressed."""
Typed = Annotated[bool, Query()]
"""True where the name is to be entered, so that nobody is asked for a list."""
_Found = ChoicesView | MailroomError | None


@router.post("/connections/new/choices", openapi_extra=may(Action.CONNECTION_CREATE))
async def of_new(visitor: VisitorDep, form: FormDep, kind: Kind, of: Of, typed: Typed = False) -> HTMLResponse:
    """Show the form of a new connection with a list to choose from."""
    chosen = kind_of(kind)
    settings = sent(chosen, form)
    found, faults = await _asked(visitor, chosen.kind, settings, None, typed=typed)
    drawn = redrawn_new(visitor, chosen, settings, form, faults)
    drawn, status = _listed(drawn, of, found)
    return await new_page(visitor, drawn, status=422 if faults else status, listed=of)


@router.post("/connections/{name}/edit/choices", openapi_extra=may(Action.CONNECTION_CHANGE))
async def of_changed(
    name: ConnectionName, visitor: VisitorDep, form: FormDep, of: Of, typed: Typed = False
) -> HTMLResponse:
    """Show the form of a stored connection with a list to choose from, read with the secrets that are stored."""
    detail = await detail_of(visitor, name)
    settings = sent(kind_of(detail.kind), form, detail.settings)
    found, faults = await _asked(visitor, detail.kind, settings, name, typed=typed)
    drawn = redrawn_edit(visitor, detail, settings, form, faults)
    drawn, status = _listed(drawn, of, found)
    return await edit_page(visitor, name, drawn, status=422 if faults else status, listed=of)


async def _asked(
    visitor: Visitor, kind: str, settings: dict[str, Any], name: str | None, *, typed: bool
) -> tuple[_Found, list[Fault]]:
    """Return what can be chosen, or why that is not known; and what is wrong with the settings."""
    if typed:
        return None, []
    try:
        wanted = read_as(UnsavedConnection, {"kind": kind, "settings": settings, "connection": name})
        return await unsaved.choices(visitor.caller, wanted), []
    except Invalid as error:
        return error, error.faults
    except (CheckFailed, Unavailable, TooOften) as error:
        return error, []


def _listed(form: ConnectionForm, of: str, found: _Found) -> tuple[ConnectionForm, int]:
    match found:
        case ChoicesView():
            return with_choices(form, of, found), 200
        case MailroomError():
            return said_no(form, of, found), 429 if isinstance(found, TooOften) else 422
    return form, 200
