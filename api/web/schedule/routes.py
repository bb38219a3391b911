"""The page of one schedule, and what is done at once: pause, resume, delete, undo, a test."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response

from api.actions.apply.marks import mark_of
from api.actions.executions import actions as executions
from api.actions.schedule import page as gathering
from api.actions.schedules import changes
from api.actions.schedules.home.last import last_run
from api.http.dependencies import Cursor, Id
from api.http.permission import may
from api.web import notices, page, words
from api.web.as_code.view import origin
from api.web.forms import Form, FormDep
from api.web.once import once
from api.web.parts import Button
from api.web.schedule import saying
from api.web.schedule.doing import doing, done
from api.web.schedule.rights import rights_of
from api.web.schedule.view import Page, view
from api.web.visitor import Visitor, VisitorDep
from mailroom.access.permissions import Action
from mailroom.as_code.spec import Kind
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState

router = APIRouter(include_in_schema=False)

UNDO = timedelta(minutes=10)
"""For how long a notice offers to undo a pause or its end."""


@router.get("/schedules/{schedule_id}", openapi_extra=may(Action.SCHEDULE_READ))
async def show(
    schedule_id: Id,
    visitor: VisitorDep,
    state: ExecutionState | None = None,
    cursor: Cursor = None,
    seen: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Show a schedule. While a run goes on, the page looks every few seconds whether something is new."""
    found = await gathering.read(visitor.caller, schedule_id, status=state, cursor=cursor)
    rights, silent_since = rights_of(visitor, found.brief.schedule.owner), visitor.services.reconciler.silent_since
    shown = view(found, visitor.when, rights, status=state, silent_since=silent_since)
    digest = hashlib.sha256(repr(shown).encode()).hexdigest()[:16]
    if seen == digest and page.wants_part(visitor.request):
        return page.unchanged()
    query = {"state": state, "cursor": cursor, "seen": digest, "frame": "1" if visitor.framed else None}
    return await page.render(
        visitor,
        "schedule/page.html",
        part="schedule/live.html",
        title=_title(shown),
        v=shown,
        origin=origin(await mark_of(visitor.caller, Kind.SCHEDULE, schedule_id), visitor.when),
        again=f"/schedules/{schedule_id}?{urlencode({name: one for name, one in query.items() if one})}",
    )


@router.get("/schedules/{schedule_id}/last", openapi_extra=may(Action.SCHEDULE_READ))
async def last(schedule_id: Id, visitor: VisitorDep) -> Response:
    """Lead to the last run that has ended, or to the schedule where none has."""
    run = await last_run(visitor.caller, schedule_id)
    return page.see(visitor, f"/executions/{run}" if run else f"/schedules/{schedule_id}")


def _title(shown: Page) -> str:
    return shown.name if shown.chip is words.SCHEDULES[ScheduleState.ACTIVE] else f"{shown.chip.words} · {shown.name}"


@router.post("/schedules/{schedule_id}/pause", openapi_extra=may(Action.SCHEDULE_PAUSE))
async def pause(schedule_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Pause a schedule; nothing is asked, and it can be undone."""
    brief = await gathering.brief(visitor.caller, schedule_id)
    async with doing(visitor, schedule_id, form, "Pause") as attempt:
        found = await once(
            visitor,
            form,
            lambda remember: changes.pause(visitor.caller, schedule_id, remember, if_match=form.etag),
        )
        told = saying.falls_away(brief.due_soon) if brief.schedule.state is ScheduleState.ACTIVE else ""
        undo = _undo(found, "resume", form)
        said = f"{found['name']} is paused. {told or 'Nothing is sent until it is resumed.'}"
        await notices.add(visitor, said, undo=undo, until=visitor.now + UNDO)
        attempt.answer = done(visitor, form, schedule_id)
    return attempt.result


@router.post("/schedules/{schedule_id}/resume", openapi_extra=may(Action.SCHEDULE_RESUME))
async def resume(schedule_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Let a schedule run again; nothing is asked, and it can be undone."""
    async with doing(visitor, schedule_id, form, "Resume") as attempt:
        found = await once(
            visitor,
            form,
            lambda remember: changes.resume(visitor.caller, schedule_id, remember, if_match=form.etag),
        )
        said = f"{found['name']} is active again.{_next(visitor, found)}"
        await notices.add(visitor, said, undo=_undo(found, "pause", form), until=visitor.now + UNDO)
        attempt.answer = done(visitor, form, schedule_id)
    return attempt.result


@router.post("/schedules/{schedule_id}/delete", openapi_extra=may(Action.SCHEDULE_DELETE))
async def delete(schedule_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Delete a schedule; nothing is asked, and it can be undone for some minutes."""
    async with doing(visitor, schedule_id, form, "Delete") as attempt:
        found = await once(
            visitor,
            form,
            lambda remember: changes.delete(visitor.caller, schedule_id, remember, if_match=form.etag),
            in_list=True,
        )
        until = datetime.fromisoformat(found["delete_after"]) if found["delete_after"] else None
        undo = _undo(found, "undelete", form) if until else None
        said = f"{found['name']} is deleted. Nothing is sent for it any more."
        await notices.add(visitor, said, undo=undo, until=until)
        attempt.answer = page.see(visitor, form.text("back") or "/schedules")
    return attempt.result


@router.post("/schedules/{schedule_id}/undelete", openapi_extra=may(Action.SCHEDULE_DELETE))
async def undelete(schedule_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Undo the deletion of a schedule."""
    async with doing(visitor, schedule_id, form, "Undo the deletion") as attempt:
        found = await once(
            visitor,
            form,
            lambda remember: changes.undelete(visitor.caller, schedule_id, remember, if_match=form.etag),
        )
        state = words.SCHEDULES[ScheduleState(found["state"])].words.lower()
        await notices.add(visitor, f"{found['name']} is back, and {state}.{_next(visitor, found)}")
        attempt.answer = done(visitor, form, schedule_id)
    return attempt.result


@router.post("/schedules/{schedule_id}/test", openapi_extra=may(Action.SCHEDULE_TEST))
async def test(schedule_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Send a test to the visitor alone, by the way of a real run; its page shows the receipt as it comes in."""
    async with doing(visitor, schedule_id, form, "Send a test to me") as attempt:
        found = await once(
            visitor,
            form,
            lambda remember: executions.request(
                visitor.caller, schedule_id, ExecutionKind.TEST, remember, if_match=form.etag
            ),
            in_list=True,
        )
        await notices.add(visitor, f"A test is on its way to {found['test_recipient']}, marked as a test.")
        attempt.answer = page.see(visitor, f"/executions/{found['id']}")
    return attempt.result


def _undo(found: Mapping[str, Any], verb: str, form: Form) -> Button:
    values = {"etag": found["etag"], "once": f"undo-{verb}-{found['id']}-{found['etag']}"}
    if back := form.text("back"):
        values["back"] = back  # Undo stays in the list, too.
    return Button(f"/schedules/{found['id']}/{verb}", "Undo", values, "undo-2")


def _next(visitor: Visitor, found: Mapping[str, Any]) -> str:
    if not found["next_runs"]:
        return ""
    at = datetime.fromisoformat(found["next_runs"][0]["at"])
    return f" Next run {visitor.when.moment(at, found['timing'].get('timezone')).text}."
