"""Keep the notices of a web session: what the next page tells of what was done. Each function works in the caller's
transaction.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.storage.model.login import WebSession

MOST = 5


async def add(session: AsyncSession, session_id: str, notice: dict[str, Any], *, now: datetime) -> None:
    """Add a notice; of too many the oldest is dropped, and so is each whose time is over."""

    def changed(kept: list[Any]) -> list[Any]:
        return [*(one for one in kept if is_live(one, now)), notice][-MOST:]

    await _change(session, session_id, changed)


async def remove(session: AsyncSession, session_id: str, ids: set[str]) -> None:
    """Remove the notices of these ids."""
    await _change(session, session_id, lambda kept: [one for one in kept if one.get("id") not in ids])


def is_live(notice: dict[str, Any], now: datetime) -> bool:
    """Tell whether a notice is still to be shown: one with an undo is, until the undo ends. Pure."""
    return not notice.get("until") or datetime.fromisoformat(notice["until"]) > now


async def _change(session: AsyncSession, session_id: str, change: Any) -> None:
    query = select(WebSession).where(WebSession.id == session_id).with_for_update()
    row = (await session.execute(query)).scalar_one_or_none()
    if row is not None:
        row.notices = change(list(row.notices))
