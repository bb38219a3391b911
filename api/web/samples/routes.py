"""Ask whether the sample data shall be removed, and remove it."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.actions.samples import actions as samples
from api.http.permission import may
from api.web import notices, page, words
from api.web.forms import FormDep
from api.web.visitor import VisitorDep
from mailroom.access.permissions import Action

router = APIRouter(include_in_schema=False)
HOME = "/schedules"


@router.get("/samples/remove", openapi_extra=may(Action.SAMPLE_REMOVE))
async def ask(visitor: VisitorDep) -> Response:
    """Say what would be removed."""
    found = await samples.count(visitor.caller)
    schedules, runs = words.count(found.schedules, "sample schedule"), words.count(found.runs, "run")
    heading = "Remove the sample data?" if found else "There is no sample data"
    told = f"This deletes {schedules}, and {runs} in the history of sample schedules." if found else ""
    return await page.render(visitor, "samples/ask.html", title=heading, heading=heading, told=told, home=HOME)


@router.post("/samples/remove", openapi_extra=may(Action.SAMPLE_REMOVE))
async def remove(visitor: VisitorDep, _form: FormDep) -> Response:
    """Remove it; asking again changes nothing."""
    gone = await samples.remove(visitor.caller)
    told = "It was removed already."
    if gone:
        told = f"The sample data is removed: {words.count(gone, 'schedule')}, with their history."
    await notices.add(visitor, told)
    return page.see(visitor, HOME)
