"""Read and write incidents."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.reach import schedule_ids
from mailroom.access.viewer import Viewer
from mailroom.incidents.covering import Key
from mailroom.storage.inserting import insert_into
from mailroom.storage.model.upkeep.incidents import Alert, Incident, IncidentSchedule
from mailroom.storage.paging import Page, page
from mailroom.storage.tables import Schedule, User

_CHUNK = 500
MOST_NAMED = 20
"""This many schedules of an incident are named; the rest is counted."""
_IS_OPEN = Incident.resolved_at.is_(None)


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the incidents that the viewer may see: own ones, those of the own team, and those that
    are about a schedule that the viewer sees. An admin sees all.
    """
    if viewer.sees_all:
        return true()
    conditions = [
        Incident.owner_id == viewer.user_id,
        Incident.id.in_(
            select(IncidentSchedule.incident_id).where(IncidentSchedule.schedule_id.in_(schedule_ids(viewer)))
        ),
    ]
    if viewer.team:
        conditions.append(Incident.owner_id.in_(select(User.id).where(User.team_id == viewer.team)))
    return or_(*conditions)


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """A choice of incidents: those that match every given condition; `merged` ones are left out unless asked for."""

    open: bool | None = None
    kind: str | None = None
    schedule_id: str | None = None
    merged: bool = False

    def conditions(self, viewer: Viewer) -> list[ColumnElement[bool]]:
        """Return what a row has to fulfil; by a schedule that the viewer does not see, nothing is found."""
        found: list[ColumnElement[bool]] = []
        if self.open is not None:
            found.append(_IS_OPEN if self.open else Incident.resolved_at.is_not(None))
        if self.kind:
            found.append(Incident.kind == self.kind)
        if self.schedule_id:
            about = select(IncidentSchedule.incident_id).where(
                IncidentSchedule.schedule_id == self.schedule_id,
                IncidentSchedule.schedule_id.in_(schedule_ids(viewer)),
            )
            found.append(Incident.id.in_(about))
        if not self.merged:
            found.append(Incident.merged_into.is_(None))
        return found


async def list_page(
    session: AsyncSession, *, viewer: Viewer, wanted: IncidentFilter, cursor: str | None = None, limit: int = 50
) -> Page[Incident]:
    """Return a page of the viewer's incidents, the latest first."""
    query = select(Incident).where(visible_to(viewer), *wanted.conditions(viewer))
    return await page(session, query, Incident.opened_at, Incident.id, cursor=cursor, limit=limit, descending=True)


async def count_open(session: AsyncSession, *, viewer: Viewer) -> int:
    """Return how many incidents of the viewer are open; those that another one covers are not counted."""
    wanted = IncidentFilter(open=True).conditions(viewer)
    query = select(func.count()).select_from(Incident).where(visible_to(viewer), *wanted)
    return int((await session.execute(query)).scalar_one())


async def find(session: AsyncSession, incident_id: str, *, viewer: Viewer) -> Incident | None:
    """Return an incident that the viewer may see, or None."""
    query = select(Incident).where(Incident.id == incident_id, visible_to(viewer))
    return (await session.scalars(query)).one_or_none()


async def is_of_team(session: AsyncSession, incident: Incident, team: str) -> bool:
    """Tell whether an incident's owner is in a team."""
    query = select(User.id).where(User.id == incident.owner_id, User.team_id == team)
    return (await session.scalar(query)) is not None


async def hold(session: AsyncSession, incident_id: str) -> Incident | None:
    """Keep others from changing an incident until the transaction ends, and return it as it is then."""
    query = update(Incident).where(Incident.id == incident_id).values(id=Incident.id).returning(Incident)
    options = {"synchronize_session": False, "populate_existing": True}
    return (await session.scalars(query, execution_options=options)).one_or_none()


async def hold_open(session: AsyncSession) -> Sequence[Incident]:
    """Return the open incidents, and keep others from changing them until the transaction ends."""
    return (await session.scalars(select(Incident).where(_IS_OPEN).order_by(Incident.id).with_for_update())).all()


async def ended_since(session: AsyncSession, since: datetime) -> dict[Key, datetime]:
    """Return when the incidents of each key that ended after this moment did, the last of each."""
    query = (
        select(Incident.kind, Incident.subject, func.max(Incident.resolved_at))
        .where(Incident.resolved_at > since)
        .group_by(Incident.kind, Incident.subject)
    )
    return {(kind, subject): at for kind, subject, at in await session.execute(query)}


async def schedules_of_open(session: AsyncSession) -> dict[str, frozenset[str]]:
    """Return the ids of the schedules of each open incident."""
    query = select(IncidentSchedule.incident_id, IncidentSchedule.schedule_id)
    found: dict[str, set[str]] = {}
    for incident_id, schedule_id in await session.execute(query.join(Incident).where(_IS_OPEN)):
        found.setdefault(incident_id, set()).add(schedule_id)
    return {incident_id: frozenset(ids) for incident_id, ids in found.items()}


@dataclass(frozen=True, slots=True)
class Concerned:
    """The schedules of an incident: ids and names of the first that a viewer sees, and how many it has in all."""

    named: tuple[tuple[str, str], ...] = ()
    total: int = 0


async def concerned(session: AsyncSession, incident_ids: Collection[str], *, viewer: Viewer) -> dict[str, Concerned]:
    """Return the schedules of each of these incidents."""
    own = IncidentSchedule.incident_id.in_(incident_ids)
    totals = select(IncidentSchedule.incident_id, func.count()).where(own).group_by(IncidentSchedule.incident_id)
    place = func.row_number().over(partition_by=IncidentSchedule.incident_id, order_by=(Schedule.name, Schedule.id))
    seen = (
        select(IncidentSchedule.incident_id, Schedule.id, Schedule.name, place.label("place"))
        .join(Schedule, Schedule.id == IncidentSchedule.schedule_id)
        .where(own, Schedule.id.in_(schedule_ids(viewer)))
        .subquery()
    )
    first = select(seen.c.incident_id, seen.c.id, seen.c.name).where(seen.c.place <= MOST_NAMED)
    named: dict[str, list[tuple[str, str]]] = {}
    for incident_id, schedule_id, name in await session.execute(first.order_by(seen.c.place)):
        named.setdefault(incident_id, []).append((schedule_id, name))
    rows = (await session.execute(totals)).all()
    return {incident_id: Concerned(tuple(named.get(incident_id, ())), total) for incident_id, total in rows}


async def alerts_of(session: AsyncSession, incident_id: str) -> Sequence[Alert]:
    """Return the alerts about an incident that the viewer was shown, the oldest first."""
    query = select(Alert).where(Alert.incident_id == incident_id).order_by(Alert.created_at, Alert.id)
    return (await session.scalars(query)).all()


async def insert(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> int:
    """Store new incidents; returns how many were stored. Where one of a kind and subject is open, it stands."""
    stored = 0
    for start in range(0, len(rows), _CHUNK):
        query = insert_into(session, Incident).values(list(rows[start : start + _CHUNK]))
        query = query.on_conflict_do_nothing(index_elements=["kind", "subject"], index_where=_IS_OPEN)
        stored += len((await session.scalars(query.returning(Incident.id))).all())
    return stored


async def change(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store the columns of incidents that the caller holds; each row has the id, and only what changes."""
    alike: dict[frozenset[str], list[dict[str, Any]]] = {}
    for row in rows:
        alike.setdefault(frozenset(row), []).append(dict(row))
    for group in alike.values():
        await session.execute(update(Incident), group)


async def resolve(session: AsyncSession, ids: Sequence[str], *, now: datetime) -> None:
    """Store that incidents which the caller holds are over."""
    for start in range(0, len(ids), _CHUNK):
        query = update(Incident).where(Incident.id.in_(ids[start : start + _CHUNK]), _IS_OPEN)
        await session.execute(
            query.values(resolved_at=now, next_level_at=None), execution_options={"synchronize_session": False}
        )


async def add_schedules(session: AsyncSession, found: Mapping[str, Collection[str]]) -> None:
    """Store the schedules of incidents, as far as they are not stored."""
    rows = [
        {"incident_id": incident_id, "schedule_id": schedule_id}
        for incident_id, ids in found.items()
        for schedule_id in sorted(ids)
    ]
    for start in range(0, len(rows), _CHUNK):
        query = insert_into(session, IncidentSchedule).values(rows[start : start + _CHUNK])
        await session.execute(query.on_conflict_do_nothing())
