"""The page that disables a user, after it has asked what becomes of the user's schedules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from api.actions.users import leaving, overview
from api.actions.users.leaving import Left
from api.actions.users.overview import MemberFilter
from api.http.dependencies import Reference
from api.http.permission import may
from api.web import notices, page, refusals
from api.web.forms import FormDep
from api.web.parts import FormFault
from api.web.users import view
from api.web.visitor import Visitor, VisitorDep
from api.web.words import count
from mailroom.access.permissions import Action
from mailroom.errors import Conflict

router = APIRouter(prefix=view.HOME, include_in_schema=False)
_CANDIDATES = 200
_CHOOSE = "Choose who gets the schedules."


@router.get("/{user_id}/disable", openapi_extra=may(Action.USER_DISABLE))
async def ask(
    user_id: Reference, visitor: VisitorDep, find: Annotated[str, Query(max_length=200)] = ""
) -> HTMLResponse:
    """Ask what becomes of the schedules."""
    return await _page(visitor, user_id, find=find.strip())


@router.post("/{user_id}/disable", openapi_extra=may(Action.USER_DISABLE))
async def disable(user_id: Reference, visitor: VisitorDep, form: FormDep) -> Response:
    """Hand the schedules over or suspend them, and disable the user."""
    what, to = form.text("what"), form.text("to")
    if what == "hand_over" and not to:
        return await _page(visitor, user_id, errors={"to": (_CHOOSE,)}, what=what, status=422)
    try:
        left = await leaving.disable(visitor.caller, user_id, hand_over_to=to if what == "hand_over" else None)
    except Conflict as error:
        return await _page(visitor, user_id, faults=(FormFault("", refusals.words(error).sentence),), status=409)
    if left.user is None:
        return await _page(visitor, user_id, faults=_not_handed_over(left), what=what, to=to, status=409)
    await notices.add(visitor, _done(left))
    return page.see(visitor, view.href(left.user.id))


def _not_handed_over(left: Left) -> tuple[FormFault, ...]:
    told = tuple(
        FormFault("", f"{item.name or item.id}: {refusals.words(item.error).sentence if item.error else 'an error'}")
        for item in left.not_handed_over[:10]
    )
    more = len(left.not_handed_over) - len(told)
    done = f"{count(left.handed_over, 'schedule')} went over; the user is not disabled, since these did not:"
    return (FormFault("to", done), *told, *((FormFault("", f"and {more} more."),) if more else ()))


def _done(left: Left) -> str:
    assert left.user is not None, "only called when it is done"
    words = f"{left.user.name or left.user.email} is disabled, and every log-in and key has ended."
    if left.handed_over:
        words += f" {count(left.handed_over, 'schedule')} went over to the new owner."
    if left.user.suspended:
        words += f" {count(len(left.user.suspended), 'schedule')} will send nothing until somebody else has them."
    return words


async def _page(
    visitor: Visitor,
    user_id: str,
    *,
    find: str = "",
    errors: Mapping[str, tuple[str, ...]] | None = None,
    faults: tuple[FormFault, ...] = (),
    what: str = "",
    to: str = "",
    status: int = 200,
) -> HTMLResponse:
    one = await overview.read(visitor.caller, user_id)
    wanted = MemberFilter(search=find or None, active=True)
    found = await overview.page(visitor.caller, wanted, cursor=None, limit=_CANDIDATES)
    made = view.leaving_of(
        one,
        [candidate.user for candidate in found.items],
        more=found.next_cursor is not None,
        find=find,
        errors=errors or {},
        what=what,
        to=to,
    )
    told = faults or tuple(FormFault(name, words) for name, all_words in (errors or {}).items() for words in all_words)
    return await page.render(
        visitor,
        "users/disable.html",
        title=f"Error: {made.heading}" if told else made.heading,
        status=status,
        leaving=made,
        faults=told,
        base=view.href(one.user.id),
        name=one.user.name or one.user.email,
    )
