"""The page of one's own account: who is logged in, log out, change the password."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.actions.login.account import overview
from api.actions.login.password import change_password
from api.actions.login.sessions import log_out
from api.actions.sessions import actions as sessions
from api.http.browser import cookies, csrf
from api.http.browser.cookies import Cookie
from api.http.browser.pages import page
from api.http.dependencies import CallerDep
from api.http.permission import may
from api.web.requests import form_of
from mailroom.access.permissions import Action
from mailroom.errors import Conflict, Invalid
from mailroom.members.passwords import SHORTEST
from mailroom.members.throttle import Throttled

router = APIRouter(include_in_schema=False)


@router.get("/account", openapi_extra=may(Action.USER_READ))
async def show(request: Request, caller: CallerDep) -> HTMLResponse:
    """Show who is logged in."""
    return await _page(request, caller)


@router.post("/account/password", openapi_extra=may(Action.USER_PASSWORD))
async def change(request: Request, caller: CallerDep) -> HTMLResponse:
    """Change the password."""
    form = await form_of(request)
    try:
        user_id = caller.context.user.id
        await change_password(caller, user_id, current=form.get("current"), new=form.get("new", ""))
    except Invalid as error:
        told = " ".join(f"{fault.message} {fault.remedy}" for fault in error.faults)
        return await _page(request, caller, fault=told, status=422)
    except Conflict as error:
        return await _page(request, caller, fault=f"{error.message} {error.remedy}", status=409)
    except Throttled as error:
        return await _page(request, caller, fault=f"{error.message} {error.remedy}", status=429)
    return await _page(request, caller, done="The password is changed. Your other sessions have ended.")


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


async def _page(
    request: Request, caller: CallerDep, *, fault: str = "", done: str = "", status: int = 200
) -> HTMLResponse:
    found, settings = await overview(caller), caller.services.settings
    secret = cookies.read(request.scope, settings, Cookie.SESSION) or ""
    return page(
        "account.html",
        status=status,
        user=caller.context.user,
        token=csrf.token_of(secret),
        local=settings.local_log_in and caller.session_id is not None,
        has_password=found.has_password,
        sessions=found.sessions,
        shortest=SHORTEST,
        fault=fault,
        done=done,
    )
