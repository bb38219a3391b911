"""Read the data for the conflict check: who shares a key, all timings, durations of runs. A few queries in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Text, case, cast, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.reach import of_schedules
from mailroom.access.viewer import Viewer
from mailroom.schedules.conflicts.connections import LastCheck
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.tables import Connection, Execution, Schedule, ScheduleKey

_RUNS = 20
_LOOKED_AT = 3 * _RUNS
_RUN = (Execution.status, Execution.kind, Execution.started_at, Execution.completed_at)


@dataclass(frozen=True, slots=True)
class Sharer:
    """An active schedule, the parameters it gives, and the keys it has in common with the one that is looked at."""

    schedule_id: str
    parameters: dict[str, Any]
    keys: frozenset[str]


async def replace_keys(session: AsyncSession, schedule_id: str, keys: Collection[str]) -> None:
    """Store the keys of a schedule, in the transaction that writes the schedule."""
    await session.execute(delete(ScheduleKey).where(ScheduleKey.schedule_id == schedule_id))
    if keys:
        rows = [{"schedule_id": schedule_id, "key": key} for key in sorted(keys)]
        await session.execute(insert(ScheduleKey), rows)


async def sharers(session: AsyncSession, keys: Collection[str], *, besides: str | None) -> list[Sharer]:
    """Return the active schedules that share a key, by id."""
    if not keys:
        return []
    query = (
        select(Schedule.id, Schedule.state, Schedule.filter_config, ScheduleKey.key)
        .join(ScheduleKey, ScheduleKey.schedule_id == Schedule.id)
        .where(ScheduleKey.key.in_(list(keys)))
    )
    if besides is not None:
        query = query.where(Schedule.id != besides)
    shared: dict[str, tuple[dict[str, Any], set[str]]] = {}
    # Chosen and sorted here: state or order in the query make SQLite walk through all schedules, not the few keys.
    for schedule_id, state, parameters, key in await session.execute(query):
        if state is ScheduleState.ACTIVE:
            shared.setdefault(schedule_id, (parameters, set()))[1].add(key)
    return [Sharer(one, parameters, frozenset(found)) for one, (parameters, found) in sorted(shared.items())]


async def named(
    session: AsyncSession, schedule_ids: Sequence[str], *, viewer: Viewer
) -> Sequence[tuple[Schedule, bool]]:
    """Return the schedules with these ids, each with whether the viewer may see it."""
    if not schedule_ids:
        return []
    seen = case((of_schedules(viewer), 1), else_=0)
    rows = await session.execute(select(Schedule, seen).where(Schedule.id.in_(schedule_ids)))
    return [(row[0], bool(row[1])) for row in rows]


async def timings(session: AsyncSession, *, viewer: Viewer, besides: str | None = None) -> dict[str, int]:
    """Return each timing of active schedules that the viewer sees as JSON text, and how many schedules have it.

    One long text in one row, since ten thousand rows cost four times as much; JSON holds no line break of its own.
    """
    text = cast(Schedule.schedule_config, Text)
    query = select(func.aggregate_strings(text, "\n")).where(
        Schedule.state == ScheduleState.ACTIVE, of_schedules(viewer)
    )
    if besides is not None:
        query = query.where(Schedule.id != besides)
    texts = (await session.scalars(query)).one()
    return Counter(texts.split("\n") if texts else ())


async def last_checks(session: AsyncSession, names: Collection[str]) -> list[LastCheck]:
    """Return how the last check of each of these connections ended, in their order; of one that is gone, nothing."""
    query = select(Connection.name, Connection.last_check_at, Connection.last_check_ok)
    found = {row[0]: LastCheck(*row) for row in await session.execute(query.where(Connection.name.in_(list(names))))}
    return [found[name] for name in names if name in found]


async def durations_of(session: AsyncSession, schedule_id: str) -> list[timedelta]:
    """Return the durations of a schedule's last runs, at most 20, without tests."""
    query = select(*_RUN).where(Execution.schedule_id == schedule_id).order_by(Execution.due_at.desc())
    return _took((await session.execute(query.limit(_LOOKED_AT))).all())


async def durations_of_report(session: AsyncSession, report_id: str, *, since: datetime) -> list[timedelta]:
    """Return the durations of the last runs of a report: those of the 20 of its schedules that ran last."""
    latest = select(Schedule.id).where(Schedule.report_id == report_id, Schedule.last_run > since)
    ids = (await session.scalars(latest.order_by(Schedule.last_run.desc()).limit(_RUNS))).all()
    if not ids:
        return []
    query = select(*_RUN).where(Execution.schedule_id.in_(ids), Execution.due_at > since)
    return _took((await session.execute(query.order_by(Execution.due_at.desc()).limit(_LOOKED_AT))).all())


def _took(rows: Sequence[Row[Any]]) -> list[timedelta]:
    """Choose the ended runs here: a state in the query would make SQLite walk through the runs of all schedules."""
    done = (ExecutionState.SUCCESS, ExecutionState.PARTIAL)
    found = [
        ended - began
        for status, kind, began, ended in rows
        if status in done and kind is not ExecutionKind.TEST and began and ended
    ]
    return found[:_RUNS]
