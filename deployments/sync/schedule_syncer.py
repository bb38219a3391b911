"""Brings one schedule and its deployment in step: reads both, adopts what a person asked for, writes what differs.

This is the only place that does so, for our own changes and for drift. A crash anywhere in it leaves our tables as they
were, or Prefect ahead of them; the next try goes on from there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.sync.apply import apply
from deployments.sync.desired import desired
from deployments.sync.diff import Action, Create, Delete, Update
from deployments.sync.drift_judge import Wish, judge_drift
from deployments.sync.observed import Observed, read
from deployments.write_limiter import WriteLimiter
from mailroom.schedules import repository as stored
from mailroom.schedules.adoption import adopt_pause, adopt_resume, record_repair
from mailroom.settings import Settings
from mailroom.storage.database import Database

_LOG = logging.getLogger(__name__)


async def sync_schedule(
    client: PrefectClient,
    database: Database,
    settings: Settings,
    limiter: WriteLimiter,
    schedule_id: str,
    *,
    clock: Callable[[], datetime],
) -> UUID | None:
    """Try once to bring a schedule in step; returns its deployment's id, None where it has or gets none.

    Raises:
        httpx.TransportError, OSError, PrefectHTTPStatusError, ObjectNotFound: as Prefect or the network said.
    """
    async with database.session() as session:
        schedule = await stored.find(session, schedule_id)
    if schedule is None:
        return None
    now = clock()
    there = (await read(client, [schedule_id])).get(schedule_id)
    verdict = judge_drift(schedule, desired(schedule, settings), there)
    if verdict.wish and there:
        # Judged anew even where nothing was adopted: another process may have done it a moment ago.
        await _adopt(database, settings, schedule_id, verdict.wish, there, now)
        async with database.session() as session:
            schedule = await stored.find(session, schedule_id)
        assert schedule is not None
        verdict = judge_drift(schedule, desired(schedule, settings), there)
    if verdict.action:
        await limiter.wait_for_turn()
        deployment_id = await apply(client, verdict.action, due=schedule.next_run, now=now)
    else:
        deployment_id = there.id if there else None
    undone = verdict.action if verdict.by_hand else None
    if undone:
        _LOG.warning(
            "The deployment of schedule %s was changed by hand in Prefect. The change was undone.", schedule_id
        )
    shown, generation = str(deployment_id) if deployment_id else None, schedule.generation

    async def record(session: AsyncSession) -> None:
        if undone:
            record_repair(session, schedule_id, now=now, detail=detail_of(undone))
        await stored.mark_synced(session, schedule_id, generation=generation, deployment_id=shown)

    await database.transact(record)
    return deployment_id


def detail_of(action: Action) -> dict[str, Any]:
    """Return what an action changes, JSON-ready: each field as it is in Prefect and as it will be."""
    match action:
        case Create():
            return {"deployment": ["missing", "made again"]}
        case Delete(observed):
            return {"deployment": [observed.name, "removed"]}
        case Update():
            return action.changes()


async def _adopt(
    database: Database, settings: Settings, schedule_id: str, wish: Wish, there: Observed, now: datetime
) -> None:
    adopt = adopt_pause if wish is Wish.PAUSE else adopt_resume
    await database.transact(
        lambda session: adopt(session, schedule_id, who=there.updated_by, now=now, settings=settings)
    )
