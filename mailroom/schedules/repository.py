"""Read schedules from the database, and record what Prefect shows of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, exists, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.access.reach import of_schedules
from mailroom.access.viewer import Viewer
from mailroom.errors import NotFound
from mailroom.schedules.listing.choice import EVERYTHING, Choice
from mailroom.schedules.listing.order import page_in_order
from mailroom.states import ScheduleState, SyncState
from mailroom.stops.coverage import standing as is_standing
from mailroom.stops.repository import ROW as CLOCK
from mailroom.stops.repository import Standing
from mailroom.storage.locks import before_reading, hold
from mailroom.storage.paging import Page
from mailroom.storage.stop_tables import LedgerClock, Stop
from mailroom.storage.tables import Connection, Execution, Report, Schedule, User

_CHUNK = 500
"""Ids that one query names."""


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the schedules that the viewer may see: own and shared ones; an admin sees all."""
    return of_schedules(viewer)


def gone() -> ColumnElement[bool]:
    """Return the condition of the schedules that are deleted and whose deletion cannot be undone any more."""
    return and_(Schedule.state == ScheduleState.DELETED, Schedule.delete_after.is_(None))


async def find(session: AsyncSession, schedule_id: str, *, lock: bool = False) -> Schedule | None:
    """Return the schedule, deleted ones included, or None."""
    if lock:
        return await hold(session, Schedule, schedule_id)
    return await session.get(Schedule, schedule_id)


async def hold_of(session: AsyncSession, execution_id: str) -> Schedule | None:
    """Return the schedule of an execution and keep others from changing it, see `locks`; None: no such execution."""
    return await hold(
        session, Schedule, select(Execution.schedule_id).where(Execution.id == execution_id).scalar_subquery()
    )


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Hold what decides beside a schedule whether it may be sent.

    These are the rows that it names and that exist (its owner, its active report, and connections by name), and the
    stops that stand, with the clock of the ledger.
    """

    owner: User | None
    report: Report | None
    connections: dict[str, Connection]
    standing: Standing


async def surroundings(session: AsyncSession, schedule: Schedule, connections: Iterable[str]) -> Surroundings:
    """Return what a schedule names and what is stopped, for Mailroom's own work, by one statement.

    There is a row for each pair of a connection and a stop, which are few.
    """
    query = (
        select(LedgerClock, User, Report, Connection, Stop)
        .select_from(LedgerClock)
        .outerjoin(User, User.id == schedule.user_id)
        .outerjoin(Report, and_(Report.id == schedule.report_id, Report.is_active))
        .outerjoin(Connection, Connection.name.in_(set(connections)))
        .outerjoin(Stop, is_standing())
        .where(LedgerClock.id == CLOCK)
        .order_by(Stop.stopped_at, Stop.id)
    )
    rows = (await session.execute(query)).all()
    clock, owner, report, _, _ = rows[0]
    stops = dict.fromkeys(row[4] for row in rows if row[4] is not None)
    named = {row[3].name: row[3] for row in rows if row[3] is not None}
    return Surroundings(owner, report, named, Standing(tuple(stops), clock))


async def get(
    session: AsyncSession,
    schedule_id: str,
    *,
    viewer: Viewer,
    doing: Action = Action.SCHEDULE_READ,
    lock: bool = False,
    undoable_at: datetime | None = None,
) -> Schedule:
    """Return the schedule as users see it; `lock` keeps others from changing it until the transaction ends.

    Args:
        doing: what the viewer is about to do with it.
        undoable_at: return also a deleted one, where its deletion can still be undone at this time.

    Raises:
        NotFound: it does not exist, was deleted, or the viewer may not see it.
        Forbidden: the viewer may see it and not do this.
    """
    there = Schedule.state != ScheduleState.DELETED
    if undoable_at is not None:
        there = or_(there, Schedule.delete_after > undoable_at)
    query = select(Schedule).where(Schedule.id == schedule_id, there, visible_to(viewer))
    if lock:
        await hold(session, Schedule, schedule_id)
        query = query.execution_options(populate_existing=True)
    found = (await session.scalars(query)).one_or_none()
    if found is None:
        raise NotFound(
            f"There is no schedule {schedule_id[:60]}.",
            remedy="GET /api/v1/schedules/ lists yours.",
            code="no_schedule",
        )
    viewer.require(doing, viewer.relation_to(found.user_id))
    return found


async def visible_among(session: AsyncSession, ids: Sequence[str], *, viewer: Viewer) -> set[str]:
    """Return those of these ids whose schedules the viewer sees."""
    if not ids or viewer.sees_all:
        return set(ids)
    return set(await session.scalars(select(Schedule.id).where(Schedule.id.in_(ids), visible_to(viewer))))


async def is_visible(session: AsyncSession, schedule_id: str, *, viewer: Viewer) -> bool:
    """Tell whether there is such a schedule, deleted or not, for this viewer."""
    query = select(exists().where(Schedule.id == schedule_id, visible_to(viewer)))
    return bool((await session.execute(query)).scalar_one())


async def list_page(
    session: AsyncSession,
    *,
    viewer: Viewer,
    cursor: str | None = None,
    limit: int = 50,
    sort: str = "-created_at",
    choice: Choice = EVERYTHING,
) -> Page[Schedule]:
    """Return a page of schedules that are not deleted; see `page_in_order` for `sort`."""
    query = select(Schedule).where(*choice.conditions(), visible_to(viewer))
    return await page_in_order(session, query, sort, cursor=cursor, limit=limit)


async def named(session: AsyncSession, asked: str, *, viewer: Viewer, limit: int = 200) -> dict[str, str]:
    """Return names by ids of the schedules that this is the id of, or a part of the name of, deleted ones included."""
    found = or_(Schedule.id == asked, Schedule.name.icontains(asked, autoescape=True))
    query = select(Schedule.id, Schedule.name).where(visible_to(viewer), found)
    rows = await session.execute(query.order_by(Schedule.updated_at.desc(), Schedule.id).limit(limit))
    return {row[0]: row[1] for row in rows}


async def deployed(session: AsyncSession) -> dict[str, str]:
    """Return the deployment's id of each schedule that is not gone and has one."""
    query = select(Schedule.id, Schedule.deployment_id).where(~gone(), Schedule.deployment_id.is_not(None))
    return {schedule_id: str(deployment_id) for schedule_id, deployment_id in await session.execute(query)}


async def by_ids(session: AsyncSession, ids: Sequence[str]) -> Sequence[Schedule]:
    """Return those of these schedules that exist, deleted ones included. At most a few hundred ids a call."""
    return (await session.scalars(select(Schedule).where(Schedule.id.in_(ids)))).all()


async def of_report(session: AsyncSession, report_id: str, *, viewer: Viewer) -> Sequence[tuple[Schedule, str]]:
    """Return the report's schedules that are not deleted, by name, each with its owner's mail address."""
    query = (
        select(Schedule, User.email)
        .join(User, User.id == Schedule.user_id)
        .where(Schedule.report_id == report_id, Schedule.state != ScheduleState.DELETED, visible_to(viewer))
        .order_by(Schedule.name, Schedule.id)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def active_among(session: AsyncSession, ids: Sequence[str], *, viewer: Viewer) -> Sequence[Schedule]:
    """Return those of these schedules that are active, by name; locked until the transaction ends."""
    await before_reading(session)
    found: list[Schedule] = []
    for start in range(0, len(ids), _CHUNK):
        query = select(Schedule).where(
            Schedule.id.in_(ids[start : start + _CHUNK]), Schedule.state == ScheduleState.ACTIVE, visible_to(viewer)
        )
        ordered = query.order_by(Schedule.name, Schedule.id).with_for_update()
        found += await session.scalars(ordered.execution_options(populate_existing=True))
    return found


async def following(session: AsyncSession, after: str, limit: int) -> Sequence[Schedule]:
    """Return the next schedules by id that are not gone."""
    query = select(Schedule).where(~gone(), Schedule.id > after)
    return (await session.scalars(query.order_by(Schedule.id).limit(limit))).all()


async def mark_synced(session: AsyncSession, schedule_id: str, *, generation: int, deployment_id: str | None) -> None:
    """Record that Prefect shows `generation`; where another one is wanted by now, it is pending (again)."""
    state = case(
        (Schedule.generation == generation, literal(SyncState.SYNCED, Schedule.sync_state.type)),
        else_=literal(SyncState.PENDING, Schedule.sync_state.type),
    )
    values = {"observed_generation": generation, "deployment_id": deployment_id, "sync_state": state, "sync_error": ""}
    await session.execute(update(Schedule).where(Schedule.id == schedule_id).values(**values))


async def mark_sync_failed(session: AsyncSession, schedule_id: str, message: str, *, final: bool) -> None:
    """Record why Prefect does not show it: `final` where trying again cannot help."""
    state = SyncState.ERROR if final else SyncState.PENDING
    await session.execute(
        update(Schedule).where(Schedule.id == schedule_id).values(sync_state=state, sync_error=message[:2000])
    )


async def names(session: AsyncSession, schedule_ids: Iterable[str]) -> dict[str, str]:
    """Return the names of schedules, deleted ones included."""
    query = select(Schedule.id, Schedule.name).where(Schedule.id.in_(set(schedule_ids)))
    return {row[0]: row[1] for row in await session.execute(query)}
