"""The page of one's own settings: how pages look, the password, where one is logged in; and the way out."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from api.actions.login.account import overview
from api.actions.login.password import change_password
from api.actions.login.sessions import log_out
from api.actions.notifications import mutes
from api.actions.sessions import actions as sessions
from api.actions.users import actions as users
from api.http.browser import cookies
from api.http.browser.cookies import Cookie
from api.http.browser.redirects import HOME, framed, is_framed
from api.http.dependencies import CallerDep, Id
from api.http.permission import may
from api.web import forms, notices, page
from api.web.forms import Form, FormDep
from api.web.me import view
from api.web.me.alerts import part_of
from api.web.visitor import Visitor, VisitorDep
from api.web.words import count
from mailroom.access.permissions import Action
from mailroom.errors import Conflict, Fault, Invalid
from mailroom.members.own_preferences import PreferencesPatch
from mailroom.members.throttle import Throttled

router = APIRouter(include_in_schema=False)
_PREFERENCES = ("timezone", "locale", "hours", "theme", "density")
_NAMES = (*_PREFERENCES, "current", "new")
_MOST = 50


@router.get("/account", openapi_extra=may(Action.USER_READ))
async def moved(visitor: VisitorDep) -> Response:
    """Lead to where the page is now."""
    return page.see(visitor, "/me")


@router.get("/me", openapi_extra=may(Action.USER_READ))
async def show(visitor: VisitorDep) -> HTMLResponse:
    """Show what is one's own."""
    return await _page(visitor)


@router.post("/me/preferences", openapi_extra=may(Action.USER_PREFER))
async def prefer(visitor: VisitorDep, form: FormDep) -> Response:
    """Change how pages look."""
    given = {name: form.text(name) for name in _PREFERENCES if form.has(name)}
    try:
        wanted = PreferencesPatch.model_validate(given)
    except ValidationError as error:
        return await _page(visitor, faults=Invalid.from_validation(error).faults, given=given)
    await users.prefer(visitor.caller, visitor.user.id, wanted)
    await notices.add(visitor, "Saved. Pages look like this from now on.")
    return page.see(visitor, "/me")


@router.post("/me/password", openapi_extra=may(Action.USER_PASSWORD))
async def change(visitor: VisitorDep, form: FormDep) -> Response:
    """Change the password."""
    return await _change_password(visitor, form)


@router.post("/account/password", openapi_extra=may(Action.USER_PASSWORD))
async def change_at_former_address(visitor: VisitorDep, form: FormDep) -> Response:
    """Change the password, for a page that was opened before it moved."""
    return await _change_password(visitor, form)


async def _change_password(visitor: Visitor, form: Form) -> Response:
    current = form.raw("current") if form.has("current") else None
    try:
        await change_password(visitor.caller, visitor.user.id, current=current, new=form.raw("new"))
    except Invalid as error:
        return await _page(visitor, faults=error.faults)
    except (Conflict, Throttled) as error:
        told = Fault("new", error.message, error.remedy, code=error.code)
        return await _page(visitor, faults=[told], status=429 if isinstance(error, Throttled) else 409)
    await notices.add(visitor, "The password is changed. Your log-ins elsewhere have ended.")
    return page.see(visitor, "/me")


@router.post("/me/sessions/end-others", openapi_extra=may(Action.SESSION_END_OWN))
async def end_others(visitor: VisitorDep) -> Response:
    """End the log-ins of all other browsers."""
    ended = await sessions.end_others(visitor.caller)
    told = f"{count(ended, 'other log-in')} ended." if ended else "You were logged in nowhere else."
    await notices.add(visitor, told)
    return page.see(visitor, "/me")


@router.post("/me/sessions/{session_id}/end", openapi_extra=may(Action.SESSION_END))
async def end(session_id: Id, visitor: VisitorDep) -> Response:
    """End the log-in of one browser."""
    await sessions.end(visitor.caller, session_id)
    await notices.add(visitor, "That log-in has ended.")
    return page.see(visitor, "/me")


@router.post("/logout", openapi_extra=may(Action.SESSION_END_OWN))
async def leave(request: Request, caller: CallerDep) -> Response:
    """Log out."""
    settings = caller.services.settings
    if (secret := cookies.read(request.scope, settings, Cookie.SESSION)) is not None:
        await log_out(caller.services, secret, caller.context.now)
    return _left(request, caller)


@router.post("/logout/everywhere", openapi_extra=may(Action.SESSION_END_OWN))
async def leave_everywhere(request: Request, caller: CallerDep) -> Response:
    """Log out on all browsers."""
    await sessions.end_own(caller)
    return _left(request, caller)


def _left(request: Request, caller: CallerDep) -> Response:
    # A frame of another product stays one.
    target = f"/login?{urlencode({'next': framed(HOME)})}" if is_framed(str(request.url)) else "/login"
    answer = RedirectResponse(target, 303, {"Cache-Control": "no-store", "Clear-Site-Data": '"cache"'})
    cookies.clear(answer, request.scope, caller.services.settings, Cookie.SESSION)
    return answer


async def _page(
    visitor: Visitor,
    *,
    faults: list[Fault] | None = None,
    given: Mapping[str, str] | None = None,
    status: int = 422,
) -> HTMLResponse:
    caller = visitor.caller
    user = await users.read(caller, visitor.user.id)
    own = await sessions.page(caller, user=visitor.user.id, cursor=None, limit=_MOST)
    made = view.page_of(
        user,
        await overview(caller),
        own.items,
        visitor.when,
        local=caller.services.settings.local_log_in and caller.session_id is not None,
        given=given,
        errors=forms.by_field(faults or ()),
    )
    return await page.render(
        visitor,
        "me/page.html",
        title="Error: My settings" if faults else "My settings",
        status=status if faults else 200,
        me=made,
        alerts=part_of(
            visitor.user.preferences,
            (await mutes.page(caller)).items,
            visitor.when,
            operator=visitor.viewer.sees_all,
        ),
        faults=forms.summary(faults or (), _NAMES),
    )
