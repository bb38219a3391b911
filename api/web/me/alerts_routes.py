"""The form of what one is told, and by which route."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.actions.users import actions as users
from api.http.permission import may
from api.web import notices, page
from api.web.forms import FormDep
from api.web.me.alerts import HERE, chosen
from api.web.visitor import VisitorDep
from mailroom.access.permissions import Action
from mailroom.members.own_preferences import PreferencesPatch

router = APIRouter(include_in_schema=False)


@router.post("/me/alerts", openapi_extra=may(Action.USER_PREFER))
async def choose(visitor: VisitorDep, form: FormDep) -> Response:
    """Choose what to be told."""
    changed = chosen(form, visitor.user.preferences, operator=visitor.viewer.sees_all)
    await users.prefer(visitor.caller, visitor.user.id, PreferencesPatch(alerts=changed))
    await notices.add(visitor, "Saved. You are told of what you have ticked from now on.")
    return page.see(visitor, HERE)
