"""`python -m bench.scale.copies HAVE WANTED [planned]`: copies the schedule `idle 0` until there are so many.

They are copied in our tables and in Prefect's, with `planned` also the next run of each, so that Prefect's scheduler,
which plans some tens a second, finds nothing left to do. The environment has the settings of an API process and of a
Prefect server; its servers may run meanwhile.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, text

from bench.peak.copies import batches, moments, ours, prefects
from mailroom.settings import current
from mailroom.storage.tables import Schedule


async def copy(have: int, wanted: int, *, planned: bool) -> None:
    """Copy in both places."""
    settings = current()
    due = moments(wanted - have, datetime.now(UTC))
    first, copies = await ours(settings, due, begin=have)
    _say(f"{len(copies)} rows of ours")
    await prefects(settings, first, copies)
    _say("and their deployments")
    if planned:
        await _plan(first, copies)
        _say("and their next runs")
    await _look_at_statistics()


async def _plan(first: str, copies: list[Schedule]) -> None:
    """Insert the next run of each copy, as Prefect's scheduler would make it."""
    from prefect.server.database import provide_database_interface  # noqa: PLC0415  takes seconds
    from prefect.server.models import deployments  # noqa: PLC0415  as above

    database = provide_database_interface()
    now = datetime.now(UTC)
    async with database.session_context() as session:
        table, timings = database.Deployment.__table__, database.DeploymentSchedule.__table__
        original = (await session.execute(select(table.c.id).where(table.c.name == first))).scalar_one()
        found = await session.execute(select(timings.c.deployment_id, timings.c.id))
        of_deployment = {row.deployment_id: row.id for row in found}
        [model] = await deployments._generate_scheduled_flow_runs(
            database,
            session=session,
            deployment_id=original,
            start_time=now,
            end_time=now + timedelta(days=2),
            min_time=timedelta(),
            min_runs=1,
            max_runs=1,
        )
    rows = [_run(model, one, of_deployment[uuid.UUID(one.deployment_id)], first) for one in copies]
    for number, few in enumerate(batches(rows), 1):
        async with database.session_context(begin_transaction=True) as session:
            await deployments._insert_scheduled_flow_runs(session=session, runs=few)  # type: ignore[attr-defined]  # Prefect's decorator
        if number % 10 == 0:
            _say(f"{number * len(few)} runs of {len(rows)}")


def _run(model: Mapping[str, Any], one: Schedule, timing: uuid.UUID, first: str) -> dict[str, Any]:
    """Return the row of the next run of a copy, after that of the first schedule. Pure but for the ids."""
    details = {**model["state"]["state_details"], "scheduled_time": one.next_run}
    state = {**model["state"], "state_details": details}
    state.pop("id", None)
    return {
        **model,
        "id": uuid.uuid4(),
        "deployment_id": uuid.UUID(one.deployment_id),
        "parameters": {**model["parameters"], "schedule_id": one.id},
        "labels": {**model["labels"], "prefect.deployment.id": one.deployment_id},
        "tags": [tag.replace(first, one.id) for tag in model["tags"]],
        "idempotency_key": f"scheduled {one.deployment_id} {timing} {one.next_run}",
        "state": state,
        "next_scheduled_start_time": one.next_run,
        "expected_start_time": one.next_run,
        "created_by": {**model["created_by"], "id": timing},
    }


async def _look_at_statistics() -> None:
    """Have Postgres count what has come at once; rows that come over months are counted as they come."""
    from prefect.server.database import provide_database_interface  # noqa: PLC0415  as above

    from mailroom.storage.database import Database  # noqa: PLC0415  as above

    ours_, theirs = Database(current().database), await provide_database_interface().engine()
    try:
        async with ours_.session() as session:
            await session.execute(text("ANALYZE"))
        async with theirs.begin() as connection:
            await connection.execute(text("ANALYZE"))
    finally:
        await ours_.close()


def _say(what: str) -> None:
    sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(copy(int(sys.argv[1]), int(sys.argv[2]), planned="planned" in sys.argv[3:]))
