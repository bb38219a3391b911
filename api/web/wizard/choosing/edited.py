"""Show where a schedule was changed since its draft began, field by field, and let the person choose."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Response

from api.actions.drafts import actions as drafts
from api.actions.drafts.views import DraftView
from api.actions.schedules import reads as schedules
from api.actions.schedules.views import ScheduleView
from api.http.dependencies import Id
from api.http.permission import may
from api.web import page
from api.web.forms import FormDep
from api.web.visitor import Visitor, VisitorDep
from api.web.wizard.choosing.conflict import MINE, ConflictView, choice
from api.web.wizard.choosing.differences import Path, differences, merged
from api.web.wizard.step import REVIEW, address
from mailroom.access.permissions import Action
from mailroom.drafts.spec import FIELDS, Part
from mailroom.errors import NotFound

router = APIRouter(include_in_schema=False)


async def show(visitor: Visitor, draft: DraftView) -> Response:
    """Return the page on which a person chooses between the draft and the schedule as it is now."""
    now = await _schedule(visitor, draft)
    by = f"saved at {visitor.when.time(now.updated_at)}"
    fields, mine = _body(now), draft.body()
    choices = tuple(
        choice(index, path, mine, fields, by, "in this draft") for index, (_, path) in enumerate(_places(mine, fields))
    )
    view = ConflictView(
        choices=choices,
        mine=json.dumps(now.etag),
        version=draft.version,
        action=f"/drafts/{draft.id}/rebase",
        step=REVIEW.name,
        from_review=True,
        lead="The schedule was changed since this draft began. Nothing of yours is lost: choose what should hold.",
    )
    return await page.render(
        visitor, "wizard/choosing/page.html", title="The schedule has changed meanwhile", status=409, view=view
    )


@router.post("/drafts/{draft_id}/rebase", openapi_extra=may(Action.DRAFT_CHANGE))
async def rebase(draft_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Take what was chosen into the draft, which goes on from the schedule as it is now."""
    draft = await drafts.read(visitor.caller, draft_id)
    now = await _schedule(visitor, draft)
    if form.raw("mine") != json.dumps(now.etag):
        return await show(visitor, draft)  # It was changed once more.
    mine, theirs = draft.body(), _body(now)
    picked: dict[Part, list[Path]] = {part: [] for part in Part}
    for index, (part, path) in enumerate(_places(mine, theirs)):
        if form.text(f"pick-{index}", MINE) == MINE:
            picked[part].append(path)
    for part, paths in picked.items():
        value = merged(_of(mine, part), _of(theirs, part), paths)
        await drafts.put(visitor.caller, draft_id, part, value)
    await drafts.rebase(visitor.caller, draft_id)
    return page.see(visitor, address(draft_id, REVIEW))


async def _schedule(visitor: Visitor, draft: DraftView) -> ScheduleView:
    if draft.schedule_id is None:
        raise NotFound("The draft changes no schedule.")
    return await schedules.read(visitor.caller, draft.schedule_id)


def _body(view: ScheduleView) -> dict[str, Any]:
    return {name: getattr(view, name) for names in FIELDS.values() for name in names}


def _of(body: Mapping[str, Any], part: Part) -> dict[str, Any]:
    return {name: body[name] for name in FIELDS[part] if name in body}


def _places(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[tuple[Part, Path]]:
    for part in Part:
        for path in differences(part, _of(mine, part), _of(theirs, part)):
            yield part, path
