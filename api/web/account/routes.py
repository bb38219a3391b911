"""The page of one's own account: who is logged in, log out, change the password."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.actions.login.account import overview
from api.actions.login.password import change_password
from api.actions.login.sessions import log_out
from api.actions.sessions import actions as sessions
from api.http.browser import cookies
from api.http.browser.cookies import Cookie
from api.http.dependencies import CallerDep
from api.http.permission import may
from api.web import page
from api.web.forms import FormDep
from api.web.parts import FormFault
from api.web.visitor import Visitor, VisitorDep
from mailroom.access.permissions import Action
from mailroom.errors import Conflict, Invalid
from mailroom.members.passwords import SHORTEST
from mailroom.members.throttle import Throttled

router = APIRouter(include_in_schema=False)


@router.get("/account", openapi_extra=may(Action.USER_READ))
async def show(visitor: VisitorDep) -> HTMLResponse:
    """Show who is logged in."""
    return await _page(visitor)


@router.post("/account/password", openapi_extra=may(Action.USER_PASSWORD))
async def change(visitor: VisitorDep, form: FormDep) -> HTMLResponse:
    """Change the password."""
    current = form.raw("current") if form.has("current") else None
    try:
        await change_password(visitor.caller, visitor.user.id, current=current, new=form.raw("new"))
    except Invalid as error:
        told = " ".join(f"{fault.message} {fault.remedy}" for fault in error.faults)
        return await _page(visitor, fault=told, status=422)
    except Conflict as error:
        return await _page(visitor, fault=f"{error.message} {error.remedy}", status=409)
    except Throttled as error:
        return await _page(visitor, fault=f"{error.message} {error.remedy}", status=429)
    return await _page(visitor, done="The password is changed. Your other sessions have ended.")


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
    answer = RedirectResponse("/login", 303, {"Cache-Control": "no-store", "Clear-Site-Data": '"cache"'})
    cookies.clear(answer, request.scope, caller.services.settings, Cookie.SESSION)
    return answer


async def _page(visitor: Visitor, *, fault: str = "", done: str = "", status: int = 200) -> HTMLResponse:
    found = await overview(visitor.caller)
    return await page.render(
        visitor,
        "account/page.html",
        title="Your account",
        status=status,
        user=visitor.user,
        local=visitor.services.settings.local_log_in and visitor.caller.session_id is not None,
        has_password=found.has_password,
        sessions=found.sessions,
        shortest=SHORTEST,
        faults=(FormFault("new", fault),) if fault else (),
        done=done,
    )
