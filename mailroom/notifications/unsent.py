"""Read which routes could not tell somebody of incidents, so that the page of notifications can say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer
from mailroom.notifications.kinds import Route
from mailroom.storage.model.upkeep.incidents import Alert
from mailroom.storage.tables import User

SHOWN_FOR = timedelta(days=7)
_FAILED = "failed"
_MOST = 5


@dataclass(frozen=True, slots=True)
class Unsent:
    """Alerts that a route could not send to one target, such as a mail address; `why` is the reason for the latest."""

    route: Route
    target: str
    count: int
    latest: datetime
    why: str


async def of_viewer(session: AsyncSession, viewer: Viewer, *, now: datetime) -> Sequence[Unsent]:
    """Return what could not be sent to the viewer in the last days, and for an admin to anybody; the latest first."""
    within = [Alert.created_at > now - SHOWN_FOR, Alert.state == _FAILED, Alert.route != Route.IN_APP.value]
    if not viewer.sees_all:
        own = select(User.email).where(User.id == viewer.user_id).scalar_subquery()
        within.append(Alert.target == own)
    latest = func.max(Alert.created_at)
    query = select(Alert.route, Alert.target, func.count(), latest).where(*within).group_by(Alert.route, Alert.target)
    found = (await session.execute(query.order_by(latest.desc()).limit(_MOST))).tuples().all()
    if not found:
        return []
    newest = select(Alert.target, Alert.error).where(*within, Alert.created_at.in_([row[3] for row in found]))
    why = {row.target: row.error for row in await session.execute(newest)}
    return [Unsent(Route(route), target, count, at, why.get(target, "")) for route, target, count, at in found]
