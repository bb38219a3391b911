"""Keep a form that came with an expired session beside its draft, so that its owner finds it after the next log-in.

Nothing of it is applied: it is shown to the owner of the draft, who alone can save it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import secrets_kept
from mailroom.access.permissions import Action, Relation
from mailroom.access.sessions import repository as sessions
from mailroom.access.viewer import viewer_of
from mailroom.context import Context
from mailroom.drafts import repository as drafts
from mailroom.drafts.spec import Part
from mailroom.storage.model.drafts import ScheduleDraft

Pairs = Sequence[tuple[str, str]]
"""A form as it came: names and values, in order."""


@dataclass(frozen=True, slots=True)
class UnsavedForm:
    """A form that was kept, with the time when it came."""

    pairs: list[tuple[str, str]]
    at: datetime


async def keep(session: AsyncSession, secret: str, draft_id: str, part: Part, pairs: Pairs, *, now: datetime) -> bool:
    """Lay a form beside the draft, if the expired session with this secret was of the draft's owner; tell whether.

    A session that somebody has ended, such as one that was stolen, keeps nothing; neither does a user who is disabled
    or may not change drafts any more.
    """
    found = await sessions.session_and_user(session, secrets_kept.digest(secret))
    if found is None:
        return False
    log_in, user = found
    if log_in.ended_at is not None or not user.is_active:
        return False
    if not viewer_of(user).may(Action.DRAFT_CHANGE, Relation.OWN):
        return False
    mine = (ScheduleDraft.id == draft_id, ScheduleDraft.user_id == user.id, ScheduleDraft.activated_as.is_(None))
    held = update(ScheduleDraft).where(*mine).values(id=ScheduleDraft.id)
    await session.execute(held.execution_options(synchronize_session=False))
    query = select(ScheduleDraft).where(*mine).execution_options(populate_existing=True)
    row = (await session.scalars(query)).one_or_none()
    if row is None:
        return False
    form = {"pairs": [list(pair) for pair in pairs], "at": now.isoformat()}
    row.unsaved = {**(row.unsaved or {}), part: form}
    return True


def kept_for(row: ScheduleDraft, part: Part) -> UnsavedForm | None:
    """Return the form that was kept for a part of a draft, or None."""
    form = (row.unsaved or {}).get(part)
    if form is None:
        return None
    return UnsavedForm([(name, value) for name, value in form["pairs"]], datetime.fromisoformat(form["at"]))


async def drop(session: AsyncSession, draft_id: str, part: Part, context: Context) -> None:
    """Forget the form that was kept for a part of a draft.

    Raises:
        NotFound, Forbidden.
    """
    row = await drafts.get(session, draft_id, viewer=context.viewer, doing=Action.DRAFT_CHANGE, lock=True)
    forget_part(row, part)


def forget_part(row: ScheduleDraft, part: Part) -> None:
    """Forget the form that was kept for a part, since the part is saved now or nobody wants it."""
    if row.unsaved and part in row.unsaved:
        row.unsaved = {name: form for name, form in row.unsaved.items() if name != part} or None
