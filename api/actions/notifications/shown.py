"""Gather what the page of notifications shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.actions.caller import Caller
from api.actions.notifications.views import NotificationView
from api.actions.view import PageView
from mailroom.notifications import mutes, unsent
from mailroom.notifications import repository as notifications
from mailroom.notifications.unsent import Unsent
from mailroom.schedules import repository as schedules


@dataclass(frozen=True, slots=True)
class Shown:
    """A page of the caller's own notifications.

    Attributes:
        unread: how many are not read, up to `MOST_COUNTED`.
        schedules: the names of the schedules that they are about, of those that the caller sees still.
        muted: the schedules among these that the caller has muted.
        unsent: what other routes could not send.
    """

    page: PageView[NotificationView]
    unread: int
    schedules: Mapping[str, str]
    muted: frozenset[str]
    unsent: Sequence[Unsent] = ()


async def shown(
    caller: Caller,
    *,
    new: bool = False,
    schedule_id: str | None = None,
    cursor: str | None = None,
    limit: int,
    routes: bool = True,
) -> Shown:
    """Return one page of the caller's own notifications, newest first, with what stands around them.

    Args:
        new: whether only those are wanted that are not read.
        routes: whether to look for routes that failed.
    """
    viewer = caller.viewer
    async with caller.session() as session:
        found = await notifications.list_page(
            session, viewer=viewer, cursor=cursor, limit=limit, unread=new, own=True, schedule_id=schedule_id
        )
        about = {row.schedule_id for row in found.items if row.schedule_id} | ({schedule_id} if schedule_id else set())
        seen = await schedules.visible_among(session, sorted(about), viewer=viewer)
        names = await schedules.names(session, seen)
        silent = await mutes.muted(session, seen, at=caller.context.now)
        failed = await unsent.of_viewer(session, viewer, now=caller.context.now) if routes else ()
        count = await notifications.unread(session, viewer=viewer)
    items = [NotificationView.model_validate(row) for row in found.items]
    return Shown(
        page=PageView(items=items, next_cursor=found.next_cursor),
        unread=count,
        schedules=names,
        muted=frozenset(one for user_id, one in silent if user_id == viewer.user_id),
        unsent=failed,
    )
