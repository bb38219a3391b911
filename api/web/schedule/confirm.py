"""The pages that ask before something leaves the house or changes hands: run now, backfill, reassign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.actions.backfill import actions as backfills
from api.actions.executions import actions as executions
from api.actions.schedule import page as gathering
from api.actions.schedule.page import Brief
from api.actions.schedules import changes
from api.actions.users import actions as users
from api.actions.users.views import UserView
from api.http.dependencies import Id
from api.http.permission import may
from api.http.reading import read as read_as
from api.web import notices, page, refusals, words
from api.web.forms import Form, FormDep
from api.web.once import once
from api.web.parts import Button, Link
from api.web.schedule import asking
from api.web.schedule.doing import doing
from api.web.visitor import Visitor, VisitorDep
from mailroom.access.permissions import Action
from mailroom.errors import Conflict, Fault, Invalid
from mailroom.roles import Role
from mailroom.schedules.backfill import Backfill
from mailroom.states import ExecutionKind
from mailroom.storage.database import new_id

router = APIRouter(include_in_schema=False)

_MOST_USERS = 1_000
_PAGE = 200
_Text = Annotated[str, Query(max_length=40)]


@router.get("/schedules/{schedule_id}/run", openapi_extra=may(Action.SCHEDULE_RUN))
async def ask_run(schedule_id: Id, visitor: VisitorDep) -> Response:
    """Ask before a run now: it names whom the run reaches."""
    brief = await gathering.brief(visitor.caller, schedule_id, doing=Action.SCHEDULE_RUN)
    silent = visitor.services.reconciler.silent_since is not None
    shown = asking.run_now(brief, once=new_id(), silent=silent)
    return await page.render(visitor, "schedule/run.html", title=f"{shown.heading} · {shown.name}", v=shown)


@router.post("/schedules/{schedule_id}/run", openapi_extra=may(Action.SCHEDULE_RUN))
async def run(schedule_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Run a schedule now; the page of the run shows how far it is."""
    async with doing(visitor, schedule_id, form, "Run now") as attempt:
        found = await once(
            visitor,
            form,
            lambda remember: executions.request(
                visitor.caller, schedule_id, ExecutionKind.RUN_NOW, remember, if_match=form.etag
            ),
        )
        attempt.answer = page.see(visitor, f"/executions/{found['id']}")
    return attempt.result


@router.get("/schedules/{schedule_id}/reassign", openapi_extra=may(Action.SCHEDULE_REASSIGN))
async def ask_owner(schedule_id: Id, visitor: VisitorDep) -> Response:
    """Ask who shall own a schedule."""
    return await _owner_page(visitor, schedule_id)


@router.post("/schedules/{schedule_id}/reassign", openapi_extra=may(Action.SCHEDULE_REASSIGN))
async def reassign(schedule_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Give a schedule to another owner."""
    to = form.text("to")
    if not to:
        missing = Fault("to", "Choose who shall own it.")
        return await _owner_page(visitor, schedule_id, faults=[missing])
    brief = await gathering.brief(visitor.caller, schedule_id, doing=Action.SCHEDULE_REASSIGN)
    async with doing(visitor, schedule_id, form, "Reassign") as attempt:
        try:
            found = await once(
                visitor,
                form,
                lambda remember: changes.reassign(visitor.caller, schedule_id, to, remember, if_match=form.etag),
            )
        except Invalid as error:
            return await _owner_page(visitor, schedule_id, chosen=to, faults=_told(error))
        except Conflict as error:
            if error.stale:
                raise
            told = refusals.words(error)
            faults = [Fault("to", told.message, told.remedy)]
            return await _owner_page(visitor, schedule_id, chosen=to, faults=faults, status=409)
        owner = await users.read(visitor.caller, found["owner"])
        values = {
            "to": brief.schedule.owner,
            "etag": found["etag"],
            "once": f"undo-reassign-{schedule_id}-{found['etag']}",
        }
        undo = Button(f"/schedules/{schedule_id}/reassign", "Undo", values, "undo-2")
        said = f"{found['name']} belongs to {owner.name or owner.email} now."
        await notices.add(visitor, said, undo=undo if brief.schedule.owner != owner.id else None)
        attempt.answer = page.see(visitor, f"/schedules/{schedule_id}")
    return attempt.result


async def _owner_page(
    visitor: Visitor, schedule_id: str, *, chosen: str = "", faults: Sequence[Fault] = (), status: int = 422
) -> Response:
    brief = await gathering.brief(visitor.caller, schedule_id, doing=Action.SCHEDULE_REASSIGN)
    offered = [one for one in await _owners(visitor) if one.id != brief.schedule.owner]
    shown = asking.reassign(brief, offered, chosen=chosen, once=new_id(), faults=faults)
    title = f"{'Error: ' if faults else ''}Reassign · {shown.name}"
    found = 200 if not faults else status
    return await page.render(visitor, "schedule/reassign.html", title=title, status=found, v=shown)


async def _owners(visitor: Visitor) -> list[UserView]:
    """Return the users who may own schedules, by address."""
    found: list[UserView] = []
    cursor: str | None = None
    while len(found) < _MOST_USERS:
        one = await users.page(visitor.caller, team=None, cursor=cursor, limit=_PAGE)
        found += [user for user in one.items if user.is_active and user.role is not Role.VIEWER]
        cursor = one.next_cursor
        if cursor is None:
            break
    return found


@router.get("/schedules/{schedule_id}/backfill", openapi_extra=may(Action.SCHEDULE_BACKFILL))
async def ask_backfill(
    schedule_id: Id,
    visitor: VisitorDep,
    since: Annotated[str, Query(alias="from", max_length=40)] = "",
    until: _Text = "",
    again: _Text = "",
) -> Response:
    """Ask which due times shall run again, and show what that would do."""
    given = {"from": since, "until": until, **({"again": "on"} if again else {})}
    return await _backfill_page(visitor, schedule_id, given)


@router.post("/schedules/{schedule_id}/backfill", openapi_extra=may(Action.SCHEDULE_BACKFILL))
async def backfill(schedule_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Run past due times again, as the preview showed them."""
    given = _given(form)
    brief = await gathering.brief(visitor.caller, schedule_id, doing=Action.SCHEDULE_BACKFILL)
    if asking.day_faults(given, _today(visitor, brief)):
        return await _backfill_page(visitor, schedule_id, given)
    async with doing(visitor, schedule_id, form, "Run them") as attempt:
        try:
            wanted = _read(given)
            found = await once(
                visitor,
                form,
                lambda remember: backfills.backfill(visitor.caller, schedule_id, wanted, remember, if_match=form.etag),
            )
        except Invalid as error:
            return await _backfill_page(visitor, schedule_id, given, faults=_told(error))
        said = f"{words.count(len(found['due']), 'run')} will start, one after the other."
        link = Link(f"/executions?schedule_id={schedule_id}&kind=backfill", "Show them")
        await notices.add(visitor, said, link=link)
        attempt.answer = page.see(visitor, f"/schedules/{schedule_id}")
    return attempt.result


def _told(error: Invalid) -> list[Fault]:
    """Return faults in the words of pages, each at its field."""
    told = [(fault.field, refusals.of_fault(fault)) for fault in error.faults]
    return [Fault(field, one.message, one.remedy) for field, one in told]


def _today(visitor: Visitor, brief: Brief) -> date:
    return visitor.now.astimezone(brief.spec.timing.zone).date()


def _given(form: Form) -> dict[str, str]:
    given = {"from": form.text("from"), "until": form.text("until")}
    return {**given, **({"again": "on"} if form.text("again") else {})}


def _read(given: Mapping[str, str], *, dry_run: bool = False) -> Backfill:
    body = {"from": given["from"], "until": given["until"], "again": bool(given.get("again")), "dry_run": dry_run}
    return read_as(Backfill, body)


async def _backfill_page(
    visitor: Visitor, schedule_id: str, given: Mapping[str, str], *, faults: Sequence[Fault] = ()
) -> Response:
    brief = await gathering.brief(visitor.caller, schedule_id, doing=Action.SCHEDULE_BACKFILL)
    found, wrong = None, list(faults)
    asked = "from" in visitor.request.query_params or bool(given["from"] or given["until"])
    if not wrong and asked:
        wrong = asking.day_faults(given, _today(visitor, brief))
    if not wrong and asked:
        try:
            found = await backfills.backfill(visitor.caller, schedule_id, _read(given, dry_run=True))
        except Invalid as error:
            wrong = _told(error)
    shown = asking.backfill(brief, visitor.when, given, once=new_id(), found=found, faults=wrong)
    title = f"{'Error: ' if wrong else ''}Backfill · {shown.name}"
    status = 422 if wrong else 200
    return await page.render(visitor, "schedule/backfill.html", title=title, status=status, v=shown)
