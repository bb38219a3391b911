"""Save views of the list of schedules: a name for filters and an order."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller, Remember, forget
from api.actions.view import PageView, View
from mailroom.errors import Invalid
from mailroom.schedules.listing import saved
from mailroom.storage.model.schedules.lists import SavedView

NAMES = ("view", "search", "state", "report", "owner", "to", "recipient", "due", "sort")
"""What the query of a view can name: the parameters of the page of schedules, but for the place in the list."""
_LONGEST = 1000


class SavedViewSettings(BaseModel):
    """A view to save."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
    query: str = Field(
        max_length=_LONGEST,
        examples=["view=failing&to=email"],
        description=f"The query of the page of schedules. It can name {', '.join(NAMES)}.",
    )


class SavedViewView(View):
    """A saved view of the list of schedules."""

    id: str
    name: str
    query: str
    created_at: datetime


async def views(caller: Caller) -> PageView[SavedViewView]:
    """Return the caller's saved views, by name. There are so few that all are on one page."""
    async with caller.session() as session:
        rows = await saved.of_viewer(session, viewer=caller.viewer)
    return PageView(items=[_view(row) for row in rows])


async def save(caller: Caller, wanted: SavedViewSettings, remember: Remember[SavedViewView] = forget) -> SavedViewView:
    """Save a view; one of the same name gets the new query.

    Raises:
        Invalid: the name has a control character, or the query is none of the page of schedules.
        Conflict: the caller has as many views as a user may.
    """
    if not wanted.name.isprintable():
        raise Invalid.at("name", "The name contains a control character or a line break.", "Remove it.")
    query = read_query(wanted.query)

    async def change(session: AsyncSession) -> SavedViewView:
        view = _view(await saved.save(session, wanted.name, query, caller.context))
        await remember(session, view)
        return view

    return await caller.transact(change)


async def delete(caller: Caller, view_id: str) -> SavedViewView:
    """Delete one of the caller's views, and return what it was.

    Raises:
        NotFound: there is none of that id.
    """

    async def change(session: AsyncSession) -> SavedViewView:
        return _view(await saved.remove(session, view_id, viewer=caller.viewer))

    return await caller.transact(change)


def read_query(text: str) -> str:
    """Return the query as it is kept: in one order, without what is empty. Pure.

    Raises:
        Invalid: it names something that the page of schedules does not know.
    """
    given = dict(parse_qsl(text.removeprefix("?")))
    if unknown := sorted(set(given) - set(NAMES)):
        raise Invalid.at("query", f"The list cannot be narrowed by {unknown[0][:40]}.", f"Name {', '.join(NAMES)}.")
    return urlencode([(name, given[name]) for name in NAMES if given.get(name)])


def _view(row: SavedView) -> SavedViewView:
    return SavedViewView.model_validate(row)
