"""Do a quick action of a schedule, and answer with a page where the form was based on an older version."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Response

from api.actions.schedule import page as gathering
from api.web import page
from api.web.forms import Form
from api.web.parts import Button
from api.web.schedule import asking
from api.web.visitor import Visitor
from mailroom.errors import Conflict
from mailroom.members import notices as kept
from mailroom.storage.database import new_id

_LOOKED_AT = 40
"""How many of the latest entries of the audit trail are looked at for what changed meanwhile."""


@dataclass(slots=True)
class Attempt:
    """An attempt at a quick action. `answer` leads on where it was done, and else is the page that says why not."""

    answer: Response | None = None

    @property
    def result(self) -> Response:
        """Return the answer."""
        assert self.answer is not None, "either it was done, or a page says why not"
        return self.answer


@asynccontextmanager
async def doing(visitor: Visitor, schedule_id: str, form: Form, words: str) -> AsyncIterator[Attempt]:
    """Run the body; where the schedule has changed since the form was made, keep the page that says what changed.

    The notices that offer to undo what was done to this schedule before go: they would undo something else now.

    Args:
        words: the words of the button that was pressed.
    """
    attempt = Attempt()
    await _close_undos(visitor, schedule_id)
    try:
        yield attempt
    except Conflict as error:
        if not error.stale:
            raise
        attempt.answer = await stale_page(visitor, schedule_id, form, words)


async def stale_page(visitor: Visitor, schedule_id: str, form: Form, words: str) -> Response:
    """Return the page that says what changed since the visitor saw the schedule."""
    view, events = await gathering.changes_since(visitor.caller, schedule_id, _LOOKED_AT)
    values = {name: value for name, value in form.pairs if name not in {"csrf_token", "etag", "once"}}
    again = Button(
        visitor.request.url.path, f"{words} all the same", {**values, "etag": view.etag, "once": new_id()}, "", "plain"
    )
    shown = asking.stale(view, events, visitor.when, seen=form.etag or "", again=again)
    title = "This schedule has changed meanwhile"
    return await page.render(visitor, "schedule/stale.html", title=title, status=409, v=shown)


def done(visitor: Visitor, form: Form, schedule_id: str) -> Response:
    """Lead back to where the form was: to the page that it names, or to the schedule's own."""
    return page.see(visitor, form.text("back") or f"/schedules/{schedule_id}")


async def _close_undos(visitor: Visitor, schedule_id: str) -> None:
    session_id, here = visitor.caller.session_id, f"/schedules/{schedule_id}/"
    ids = {one["id"] for one in visitor.stored_notices if one.get("undo") and one["undo"]["action"].startswith(here)}
    if ids and session_id is not None:
        await visitor.caller.transact(lambda session: kept.remove(session, session_id, ids))
