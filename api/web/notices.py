"""Tell on the next page what was done, with a way to undo it.

A notice is shown once. One with an undo stays until it is closed or the undo ends, so that it survives a reload.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from api.web.parts import Button, Link, Notice, Tone
from api.web.visitor import Visitor
from mailroom.members import notices as kept
from mailroom.storage.database import new_id


async def add(
    visitor: Visitor,
    words: str,
    *,
    tone: Tone = "ok",
    undo: Button | None = None,
    until: datetime | None = None,
    link: Link | None = None,
) -> None:
    """Keep a notice for the next page of this session; without a session there is nobody to tell.

    Args:
        undo: what undoes it, and `until` when that ends.
    """
    if visitor.caller.session_id is None:
        return
    notice: dict[str, Any] = {"id": new_id(), "words": words, "tone": tone}
    if undo is not None:
        notice["undo"] = asdict(undo)
    if link is not None:
        notice["link"] = asdict(link)
    if until is not None:
        notice["until"] = until.isoformat()
    session_id, now = visitor.caller.session_id, visitor.now
    await visitor.caller.transact(lambda session: kept.add(session, session_id, notice, now=now))


def read(stored: list[dict[str, Any]], now: datetime) -> tuple[Notice, ...]:
    """Return stored notices as parts of a page. Pure."""
    return tuple(
        Notice(
            one["id"],
            one["words"],
            one["tone"],
            Button(**one["undo"]) if one.get("undo") else None,
            Link(**one["link"]) if one.get("link") else None,
        )
        for one in stored
        if kept.is_live(one, now)
    )
