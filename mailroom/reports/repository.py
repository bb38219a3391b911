"""Reports in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.access.reach import of_reports
from mailroom.access.viewer import Viewer
from mailroom.errors import NotFound
from mailroom.reports.spec import ReportDefinition
from mailroom.states import ScheduleState
from mailroom.storage.inserting import insert_into
from mailroom.storage.locks import before_reading
from mailroom.storage.tables import Report, Schedule, User


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the reports that the viewer may see."""
    return of_reports(viewer)


async def find(session: AsyncSession, report_id: str, *, viewer: Viewer, lock: bool = False) -> Report | None:
    """Return the active report of that id, or None; `lock` keeps it as it is until the transaction ends.

    To be locked before the schedules of it, see `mailroom.storage.locks`. Several may keep it so at the same time.
    """
    query = select(Report).where(Report.id == report_id, Report.is_active, visible_to(viewer))
    if lock:
        await before_reading(session)
        query = query.with_for_update(read=True).execution_options(populate_existing=True)
    return (await session.scalars(query)).one_or_none()


async def get(
    session: AsyncSession,
    report_id: str,
    *,
    viewer: Viewer,
    doing: Action = Action.REPORT_READ,
    lock: bool = False,
) -> Report:
    """Return the active report; `lock` keeps others from changing it until the transaction ends.

    Args:
        doing: what the viewer is about to do with it.

    Raises:
        NotFound: there is none of that id.
        Forbidden: the viewer may see it and not do this.
    """
    if lock:
        await _locked(session, report_id)
    found = await find(session, report_id, viewer=viewer)
    if found is None:
        raise NotFound(
            f"There is no report '{report_id[:80]}'.", remedy="GET /api/v1/reports lists them.", code="no_report"
        )
    viewer.require(doing, viewer.relation_to(found.owner_id))
    return found


async def every(session: AsyncSession, *, viewer: Viewer) -> Sequence[Report]:
    """Return every active report by title."""
    return (
        await session.scalars(select(Report).where(Report.is_active, visible_to(viewer)).order_by(Report.title))
    ).all()


@dataclass(frozen=True, slots=True)
class Listed:
    """A report in a catalog: the mail address of its owner, if it has one, and how many schedules use it."""

    report: Report
    owner: str | None
    used_by: int


async def catalog(
    session: AsyncSession, *, viewer: Viewer, search: str | None = None, report_id: str | None = None
) -> list[Listed]:
    """Return every active report by title with its owner and its uses, by one query.

    Args:
        search: a part of the title, the id or the description.
    """
    uses = select(Schedule.report_id, func.count().label("uses")).where(Schedule.state != ScheduleState.DELETED)
    counted = uses.group_by(Schedule.report_id).subquery()
    query = (
        select(Report, User.email, func.coalesce(counted.c.uses, 0))
        .outerjoin(User, User.id == Report.owner_id)
        .outerjoin(counted, counted.c.report_id == Report.id)
        .where(Report.is_active, visible_to(viewer))
        .order_by(Report.title, Report.id)
    )
    if report_id:
        query = query.where(Report.id == report_id)
    if search:
        described = Report.definition["description"].as_string()
        places = (Report.title, Report.id, described)
        query = query.where(or_(*(place.icontains(search, autoescape=True) for place in places)))
    return [Listed(row[0], row[1], row[2]) for row in await session.execute(query)]


async def _locked(session: AsyncSession, report_id: str) -> Report | None:
    """Return the report, deleted ones included, and keep others from changing it until the transaction ends."""
    await before_reading(session)
    query = select(Report).where(Report.id == report_id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()


async def locked_definition(session: AsyncSession, report_id: str) -> dict[str, Any] | None:
    """Return what is stored of the report, deleted or not, None where there is none; locked until the end."""
    found = await _locked(session, report_id)
    return found.definition if found else None


async def create(
    session: AsyncSession, definition: ReportDefinition, *, owner_id: str | None, now: datetime
) -> tuple[Report, str] | None:
    """Insert a report, or bring a deleted one back; return it with `created` or `updated`, None where the id is in use.

    Without an owner it belongs to the installation.

    The database decides which of several is the first.
    """
    row, outcome = await _insert_or_lock(session, definition, now=now)
    if outcome == "updated":
        if row.is_active:
            return None
        _overwrite(row, definition, now=now)
    row.owner_id = owner_id
    return row, outcome


async def save(session: AsyncSession, definition: ReportDefinition, *, now: datetime) -> tuple[Report, str]:
    """Insert or update a report; returns it with `created`, `updated` or `unchanged`."""
    row, outcome = await _insert_or_lock(session, definition, now=now)
    if outcome == "created":
        return row, outcome
    if row.version == definition.version and row.is_active:
        return row, "unchanged"
    return _overwrite(row, definition, now=now), outcome


async def _insert_or_lock(session: AsyncSession, definition: ReportDefinition, *, now: datetime) -> tuple[Report, str]:
    """Return the new row with `created`, or the one that was there already, locked, with `updated`."""
    values = {
        "id": definition.id,
        "title": definition.title,
        "version": definition.version,
        "definition": definition.model_dump(mode="json"),
        "is_active": True,
        "created_at": now,
        "updated_at": now,
    }
    query = insert_into(session, Report).values(**values).on_conflict_do_nothing().returning(Report)
    if new := (await session.scalars(query)).one_or_none():
        return new, "created"
    found = await _locked(session, definition.id)
    assert found is not None, "rows of reports are never removed"
    return found, "updated"


def _overwrite(row: Report, definition: ReportDefinition, *, now: datetime) -> Report:
    row.title, row.version, row.definition = definition.title, definition.version, definition.model_dump(mode="json")
    row.is_active, row.updated_at = True, now
    return row


async def count_schedules(session: AsyncSession, report_id: str) -> int:
    """Return how many schedules, not deleted, use the report."""
    query = select(func.count()).where(Schedule.report_id == report_id, Schedule.state != ScheduleState.DELETED)
    return (await session.scalars(query)).one()
