"""Show what two windows have entered in the same step, field by field, and let the person choose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Response

from api.web import page
from api.web.forms import Form
from api.web.parts import Field, Option
from api.web.wizard.choosing.differences import Path, at, differences, label, merged, words
from api.web.wizard.opened import Opened
from mailroom.drafts.spec import Saved
from mailroom.errors import Invalid

MINE, SAVED = "mine", "saved"


@dataclass(frozen=True, slots=True)
class ConflictView:
    """The page of a conflict: a choice for each field that differs, and what is sent along."""

    choices: tuple[Field, ...]
    mine: str
    version: int
    action: str
    step: str
    from_review: bool
    lead: str


async def conflict_page(opened: Opened, saved: Saved) -> Response:
    """Return the page on which a person chooses between what was sent and what somebody has saved meanwhile."""
    view = conflict_view(opened, saved)
    return await page.render(
        opened.visitor, "wizard/choosing/page.html", title="Changed in two windows", status=409, view=view
    )


def conflict_view(opened: Opened, saved: Saved) -> ConflictView:
    """Return the page of a conflict as data."""
    visitor, mine = opened.visitor, opened.value
    who = "you" if saved.by == visitor.user.email else saved.by
    by = f"saved at {visitor.when.time(saved.at)} by {who} in another window"
    paths = differences(opened.step.part, mine, saved.value)
    choices = tuple(choice(index, path, mine, saved.value, by) for index, path in enumerate(paths))
    return ConflictView(
        choices=choices,
        mine=json.dumps(mine, ensure_ascii=False),
        version=saved.version,
        action=f"/drafts/{opened.draft.id}/choose",
        step=opened.step.name,
        from_review=opened.from_review,
        lead=f"This step was {by}, after you had opened it here. Nothing of yours is lost: choose what should hold.",
    )


def choice(
    index: int, path: Path, mine: Mapping[str, Any], saved: Mapping[str, Any], by: str, here: str = "in this window"
) -> Field:
    """Return the choice between both values of a field."""
    options = (
        Option(MINE, words(at(mine, path), path), here),
        Option(SAVED, words(at(saved, path), path), by),
    )
    return Field(f"pick-{index}", label(path), "radios", MINE, options)


def chosen(opened: Opened, form: Form) -> dict[str, Any]:
    """Return the value that a person has chosen field by field.

    Raises:
        Invalid: the form was not made by our page.
    """
    mine, saved = _mine(form), opened.value
    paths = differences(opened.step.part, mine, saved)
    picked = [path for index, path in enumerate(paths) if form.text(f"pick-{index}", MINE) == MINE]
    return merged(mine, saved, picked)


def _mine(form: Form) -> dict[str, Any]:
    try:
        found = json.loads(form.raw("mine"))
    except (ValueError, RecursionError) as error:
        raise Invalid.at("mine", "The form is not complete.", "Go back, and send it again.") from error
    if not isinstance(found, dict):
        raise Invalid.at("mine", "The form is not complete.", "Go back, and send it again.")
    return found
