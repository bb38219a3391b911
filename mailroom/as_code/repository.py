"""Read and write the marks of objects from code, and read what is there in as many statements as there are kinds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.repository import teams_visible_to, users_visible_to
from mailroom.access.viewer import Viewer
from mailroom.as_code.plan import Key, Mark
from mailroom.as_code.spec import Kind
from mailroom.calendars import repository as calendars
from mailroom.connections import repository as connections
from mailroom.errors import Conflict
from mailroom.reports import repository as reports
from mailroom.schedules import repository as schedules
from mailroom.states import ScheduleState
from mailroom.storage.inserting import insert_into
from mailroom.storage.model.access import Team
from mailroom.storage.model.upkeep.code_marks import CodeMark
from mailroom.storage.tables import Calendar, Connection, Report, Schedule, User

_CHUNK = 500
"""Ids that one query names."""


def _mark(row: CodeMark) -> Mark:
    return Mark(
        row.bundle,
        Kind(row.kind),
        row.name,
        row.entity_id,
        row.source,
        row.digest,
        tuple(row.missing_secrets),
        row.applied_by,
        row.applied_at,
    )


async def marks_of_bundle(session: AsyncSession, bundle: str, *, viewer: Viewer) -> list[Mark]:
    """Return every mark of a bundle that the viewer may know of: an admin all, others what they have applied."""
    query = select(CodeMark).where(CodeMark.bundle == bundle)
    if not viewer.sees_all:
        email = select(User.email).where(User.id == viewer.user_id).scalar_subquery()
        query = query.where(CodeMark.applied_by == email)
    return [_mark(row) for row in await session.scalars(query.order_by(CodeMark.kind, CodeMark.name))]


async def marks_by_name(session: AsyncSession, bundle: str, kind: Kind, names: Sequence[str]) -> dict[str, Mark]:
    """Return the marks of a bundle by name."""
    query = select(CodeMark).where(CodeMark.bundle == bundle, CodeMark.kind == kind, CodeMark.name.in_(names))
    return {row.name: _mark(row) for row in await session.scalars(query)}


async def marks_by_entity(session: AsyncSession, kind: Kind, ids: Sequence[str]) -> dict[str, Mark]:
    """Return the marks of these objects, by the object's id; the caller has seen the objects."""
    found: dict[str, Mark] = {}
    for start in range(0, len(ids), _CHUNK):
        query = select(CodeMark).where(CodeMark.kind == kind, CodeMark.entity_id.in_(ids[start : start + _CHUNK]))
        found |= {row.entity_id: _mark(row) for row in await session.scalars(query)}
    return found


async def write_mark(session: AsyncSession, mark: Mark, *, now: datetime) -> None:
    """Mark an object as applied from code. Another bundle's mark of it is removed, and one of an object that is gone.

    Raises:
        Conflict: somebody else has applied the same document at the same time, and it has become another object.
    """
    same_name = (CodeMark.bundle == mark.bundle) & (CodeMark.name == mark.name)
    taken = or_(same_name, CodeMark.entity_id == mark.entity_id)
    query = delete(CodeMark).where(CodeMark.kind == mark.kind, taken)
    # Judged by what was removed: a mark that is read before may be written by somebody else in between.
    removed = await session.execute(
        query.returning(CodeMark.entity_id, CodeMark.applied_by), execution_options={"synchronize_session": False}
    )
    for entity_id, applied_by in removed.all():
        if entity_id != mark.entity_id and mark.kind is Kind.SCHEDULE:
            other = await schedules.find(session, entity_id)
            if other is not None and other.state is not ScheduleState.DELETED:
                message = f"The {mark.kind} '{mark.name}' was applied by {applied_by} at the same time."
                raise Conflict(message, remedy="Apply again.", code="applied_at_once")
    values = {
        "bundle": mark.bundle,
        "kind": str(mark.kind),
        "name": mark.name,
        "entity_id": mark.entity_id,
        "source": mark.source,
        "digest": mark.digest,
        "missing_secrets": list(mark.missing_secrets),
        "applied_by": mark.applied_by,
        "applied_at": now,
    }
    await session.execute(insert_into(session, CodeMark).values(**values))


async def remove_mark(session: AsyncSession, mark: Mark) -> None:
    """Forget that an object comes from code."""
    await session.execute(
        delete(CodeMark).where(CodeMark.bundle == mark.bundle, CodeMark.kind == mark.kind, CodeMark.name == mark.name)
    )


async def schedules_by_id(
    session: AsyncSession, ids: Sequence[str], *, viewer: Viewer
) -> dict[str, tuple[Schedule, str]]:
    """Return the schedules among these that are not deleted, each with the address of its owner."""
    found: dict[str, tuple[Schedule, str]] = {}
    for start in range(0, len(ids), _CHUNK):
        query = (
            select(Schedule, User.email)
            .join(User, User.id == Schedule.user_id)
            .where(
                Schedule.id.in_(ids[start : start + _CHUNK]),
                Schedule.state != ScheduleState.DELETED,
                schedules.visible_to(viewer),
            )
        )
        found |= {row[0].id: (row[0], row[1]) for row in await session.execute(query)}
    return found


async def schedules_there(session: AsyncSession, ids: Sequence[str]) -> set[str]:
    """Return which of these schedules are not deleted, whoever may see them."""
    found: set[str] = set()
    for start in range(0, len(ids), _CHUNK):
        chosen = Schedule.id.in_(ids[start : start + _CHUNK])
        found |= set(await session.scalars(select(Schedule.id).where(chosen, Schedule.state != ScheduleState.DELETED)))
    return found


async def titles(session: AsyncSession, *, viewer: Viewer) -> Sequence[tuple[str, str, ScheduleState]]:
    """Return id, name and state of every schedule of the viewer, of all for an admin, the oldest first.

    Deleted ones and sample data are left out.
    """
    query = select(Schedule.id, Schedule.name, Schedule.state).where(
        Schedule.state != ScheduleState.DELETED, Schedule.is_sample.is_(False)
    )
    if not viewer.sees_all:
        query = query.where(Schedule.user_id == viewer.user_id)
    rows = await session.execute(query.order_by(Schedule.created_at, Schedule.id))
    return [(row[0], row[1], row[2]) for row in rows]


async def reports_by_id(session: AsyncSession, ids: Collection[str] | None, *, viewer: Viewer) -> Sequence[Report]:
    """Return the active reports with these ids, all of them for None, by id."""
    query = select(Report).where(Report.is_active, reports.visible_to(viewer))
    if ids is not None:
        query = query.where(Report.id.in_(ids))
    return (await session.scalars(query.order_by(Report.id))).all()


async def connections_by_name(
    session: AsyncSession, names: Collection[str] | None, *, viewer: Viewer
) -> Sequence[Connection]:
    """Return the connections with these names, all of them for None, by name."""
    query = select(Connection).where(connections.visible_to(viewer))
    if names is not None:
        query = query.where(Connection.name.in_(names))
    return (await session.scalars(query.order_by(Connection.name))).all()


async def calendars_by_id(session: AsyncSession, ids: Collection[str] | None, *, viewer: Viewer) -> Sequence[Calendar]:
    """Return the calendars with these ids, all of them for None, by id."""
    query = select(Calendar).where(calendars.visible_to(viewer))
    if ids is not None:
        query = query.where(Calendar.id.in_(ids))
    return (await session.scalars(query.order_by(Calendar.id))).all()


async def teams_by_name(session: AsyncSession, names: Collection[str] | None, *, viewer: Viewer) -> Sequence[Team]:
    """Return the teams with these external ids, all that have one for None, by external id."""
    query = select(Team).where(Team.external_id.is_not(None), teams_visible_to(viewer))
    if names is not None:
        query = query.where(Team.external_id.in_(names))
    return (await session.scalars(query.order_by(Team.external_id))).all()


async def users_by_reference(session: AsyncSession, references: Collection[str], *, viewer: Viewer) -> dict[str, User]:
    """Return the users that documents name as owners: by address, or by `ext:` and external id. By both names."""
    external = [one.removeprefix("ext:") for one in references if one.startswith("ext:")]
    emails = [one.lower() for one in references if not one.startswith("ext:")]
    wanted = or_(User.external_id.in_(external), func.lower(User.email).in_(emails))
    rows = (await session.scalars(select(User).where(wanted, users_visible_to(viewer)))).all()
    by_name: dict[str, User] = {f"ext:{row.external_id}": row for row in rows if row.external_id}
    by_name |= {row.email.lower(): row for row in rows}
    return {
        one: by_name[key] for one in references if (key := one if one.startswith("ext:") else one.lower()) in by_name
    }


async def known(session: AsyncSession, wanted: Collection[Key], *, viewer: Viewer) -> set[Key]:
    """Return which of these things that documents refer to are there for the viewer."""
    found: set[Key] = set()
    reads: dict[Kind, tuple[Any, Any]] = {
        Kind.REPORT: (Report.id, [Report.is_active, reports.visible_to(viewer)]),
        Kind.CONNECTION: (Connection.name, [connections.visible_to(viewer)]),
        Kind.CALENDAR: (Calendar.id, [calendars.visible_to(viewer)]),
    }
    for kind, (column, conditions) in reads.items():
        names = {name for of, name in wanted if of is kind}
        if names:
            rows = await session.scalars(select(column).where(column.in_(names), *conditions))
            found |= {(kind, name) for name in rows}
    return found
