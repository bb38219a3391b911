"""The list of runs: find any due time, and what became of it."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.actions.connections import actions as connections
from api.actions.executions import actions as executions
from api.http.permission import may
from api.web import page
from api.web.executions.filters import asked, wanted
from api.web.executions.view import list_of
from api.web.visitor import VisitorDep
from mailroom.access.permissions import Action
from prefect_mailroom.channels.registry import CHANNELS

router = APIRouter(include_in_schema=False)
ROWS = 50


@router.get("/executions", openapi_extra=may(Action.EXECUTION_LIST))
async def show(visitor: VisitorDep) -> Response:
    """Show the runs that match the address, the latest due time first."""
    given = asked(visitor.request.query_params.multi_items())
    caller, when = visitor.caller, visitor.when
    schedules = await executions.schedules_named(caller, given.schedule) if given.schedule else None
    chosen = wanted(given, None if schedules is None else [*schedules], when.zone, visitor.now)
    found = await executions.page(caller, chosen, cursor=given.cursor or None, limit=ROWS)
    count = await executions.count(caller, chosen)
    known = (await connections.every(caller)).items if visitor.may(Action.CONNECTION_LIST) else []
    view = list_of(
        given,
        found,
        count,
        when,
        connections=[(one.name, one.kind) for one in known if one.kind in CHANNELS],
        schedule_name=(schedules or {}).get(given.schedule, ""),
    )
    return await page.render(visitor, "executions/page.html", part="executions/rows.html", title=view.title, list=view)
