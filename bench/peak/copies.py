"""`python -m bench.peak.copies N`: copies the schedule `idle 0` until there are N, here and in Prefect.

Every row is what REST and Prefect made of the first one, with its own id, name and time of day. The stack's settings
come from the environment; its servers may run meanwhile.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select

from bench.peak.own_prefect import begin_again
from deployments.sync.apply import description_of
from deployments.sync.desired import desired
from embedded import data_dir, prefect_settings
from mailroom.settings import Settings, current
from mailroom.storage.database import Database
from mailroom.storage.tables import Schedule

# Nothing is due for three hours, and then for the eighteen that follow.
_FIRST, _MINUTES = timedelta(hours=3), 18 * 60
_BATCH = 500


def moments(n: int, now: datetime) -> list[datetime]:
    """Return when each copy is due next. Pure."""
    start = (now + _FIRST).replace(second=0, microsecond=0)
    return [start + timedelta(minutes=number * _MINUTES // n) for number in range(n)]


def cron(moment: datetime) -> str:
    """Once a day at that time (UTC)."""
    return f"{moment.minute} {moment.hour} * * *"


def batches(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Short transactions: the servers write as well."""
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]


async def ours(settings: Settings, due: list[datetime], begin: int = 1) -> tuple[str, list[Schedule]]:
    """Copy our row; returns the first schedule's id, and the copies, which are numbered from `begin` on."""
    table = Schedule.__table__
    copies = [(str(uuid.uuid4()), str(uuid.uuid4()), moment) for moment in due]
    database = Database(settings.database)
    try:
        async with database.session() as session:
            query = select(table).where(Schedule.name == "idle 0")
            first = dict((await session.execute(query)).mappings().one())
        rows = [
            {
                **first,
                "id": schedule,
                "name": f"idle {number}",
                "schedule_config": {**first["schedule_config"], "expression": cron(moment)},
                "next_run": moment,
                "deployment_id": deployment,
            }
            for number, (schedule, deployment, moment) in enumerate(copies, begin)
        ]
        for batch in batches(rows):
            async with database.session() as session:
                await session.execute(insert(Schedule), batch)
    finally:
        await database.close()
    return str(first["id"]), [Schedule(**row) for row in rows]


async def prefects(settings: Settings, first: str, copies: list[Schedule]) -> None:
    """Copy the first schedule's deployment and its schedule in Prefect's database, as each copy wants it."""
    from prefect.server.database import provide_database_interface  # noqa: PLC0415  takes seconds, at the second begin

    database = provide_database_interface()
    table, timings = database.Deployment.__table__, database.DeploymentSchedule.__table__
    async with database.session_context() as session:
        deployment = dict((await session.execute(select(table).where(table.c.name == first))).mappings().one())
        query = select(timings).where(timings.c.deployment_id == deployment["id"])
        timing = dict((await session.execute(query)).mappings().one())
    wanted = [(copy, found) for copy in copies if (found := desired(copy, settings))]
    rows = [
        {
            **deployment,
            "id": uuid.UUID(copy.deployment_id),
            "name": copy.id,
            "description": description_of(each),
            "parameters": each.parameters,
            "tags": list(each.tags),
        }
        for copy, each in wanted
    ]
    when = [
        {
            **timing,
            "id": uuid.uuid4(),
            "deployment_id": uuid.UUID(copy.deployment_id),
            "schedule": timing["schedule"].model_copy(update={"cron": each.cron}),
        }
        for copy, each in wanted
    ]
    for few, their_timings in zip(batches(rows), batches(when), strict=True):
        async with database.session_context(begin_transaction=True) as session:
            await session.execute(insert(database.Deployment), few)
            await session.execute(insert(database.DeploymentSchedule), their_timings)


def main() -> None:
    """Copy in both places."""
    settings = current()
    begin_again("bench.peak.copies", prefect_settings.server_environment(settings, data_dir.encryption_key(settings)))
    due = moments(int(sys.argv[1]) - 1, datetime.now(UTC))

    async def both() -> None:
        await prefects(settings, *await ours(settings, due))

    asyncio.run(both())


if __name__ == "__main__":
    main()
