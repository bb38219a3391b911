"""Alerts in the database: written once, found when they are due, and listed for who may see them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer
from mailroom.alerts.spec import AlertState, Target
from mailroom.incidents.spec import Level, Stage
from mailroom.notifications.kinds import Route
from mailroom.storage.database import new_id
from mailroom.storage.inserting import insert_into
from mailroom.storage.model.upkeep.incidents import Alert
from mailroom.storage.paging import Page, page

TOLD = (Stage.OPENED, Stage.ESCALATED)
"""The stages that tell of an open incident."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The alerts that a list shows; None shows all."""

    state: AlertState | None = None
    incident_id: str | None = None
    route: Route | None = None


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the alerts that the viewer may see: those to the viewer, and for an admin all."""
    return true() if viewer.sees_all else Alert.user_id == viewer.user_id


async def list_page(
    session: AsyncSession, *, viewer: Viewer, wanted: Wanted, cursor: str | None = None, limit: int = 50
) -> Page[Alert]:
    """Return one page of the alerts that match, newest first."""
    query = select(Alert).where(visible_to(viewer))
    chosen = {Alert.state: wanted.state, Alert.incident_id: wanted.incident_id, Alert.route: wanted.route}
    query = query.where(*(column == str(value) for column, value in chosen.items() if value is not None))
    return await page(session, query, Alert.created_at, Alert.id, cursor=cursor, limit=limit, descending=True)


async def of_incident(session: AsyncSession, incident_id: str, stages: Collection[Stage]) -> Sequence[Alert]:
    """Return the alerts of an incident at these stages, oldest first, for Mailroom's own work."""
    query = select(Alert).where(Alert.incident_id == incident_id, Alert.stage.in_([str(stage) for stage in stages]))
    found = await session.scalars(query.order_by(Alert.created_at, Alert.id), execution_options=_FRESH)
    return found.all()


async def due(session: AsyncSession, route: Route, *, now: datetime, limit: int) -> Sequence[str]:
    """Return the ids of the alerts by a route whose time has come, the one that has waited longest first."""
    waits = (Alert.state == AlertState.PENDING, Alert.next_attempt_at <= now, Alert.route == str(route))
    query = select(Alert.id).where(*waits)
    return (await session.scalars(query.order_by(Alert.next_attempt_at, Alert.id).limit(limit))).all()


async def get(session: AsyncSession, alert_id: str) -> Alert | None:
    """Return an alert, for Mailroom's own work."""
    return (await session.scalars(select(Alert).where(Alert.id == alert_id), execution_options=_FRESH)).one_or_none()


async def insert(
    session: AsyncSession,
    incident_id: str,
    stage: Stage,
    level: Level,
    target: Target,
    *,
    at: datetime,
    now: datetime,
    fallback_of: str | None = None,
) -> bool:
    """Store an alert that is sent from `at` on; return whether it is new. The same one is stored only once."""
    values: dict[str, Any] = {
        "id": new_id(),
        "incident_id": incident_id,
        "stage": str(stage),
        "level": str(level),
        "route": str(target.route),
        "target": target.address,
        "user_id": target.user_id,
        "state": AlertState.PENDING,
        "attempts": 0,
        "next_attempt_at": at,
        "error": "",
        "in_doubt": False,
        "fallback_of": fallback_of,
        "created_at": now,
    }
    query = insert_into(session, Alert).values(**values).on_conflict_do_nothing().returning(Alert.id)
    return (await session.scalars(query)).one_or_none() is not None


_FRESH = {"populate_existing": True}
