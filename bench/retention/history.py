"""Fill a database with executions that ended long ago, each with a delivery and an attempt."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.database import Database
from mailroom.storage.tables import Attempt, Delivery, Execution, Report, Schedule, User

_CHUNK = 5000
APART = timedelta(minutes=1)
"""How far the due times of a schedule are apart."""


async def schedules(database: Database, count: int, *, now: datetime) -> list[str]:
    """Make so many schedules of one owner and one report; return their ids."""
    user, ids = str(uuid.uuid4()), [str(uuid.uuid4()) for _ in range(count)]
    made = {"created_at": now, "updated_at": now}
    report = f"report-{user[:8]}"
    async with database.session() as session:
        session.add(User(id=user, email=f"{user}@example.com", **made))
        session.add(Report(id=report, title="A report", version="1", definition={}, **made))
        await session.flush()
        rows = [
            {
                "id": one,
                "report_id": report,
                "user_id": user,
                "name": "A schedule",
                "schedule_config": {},
                "distribution_config": {},
                "filter_config": {},
                "policy_config": {},
                "accounted_until": now,
                **made,
            }
            for one in ids
        ]
        await session.execute(insert(Schedule), rows)
    return ids


async def executions(database: Database, of: Sequence[str], each: int, *, since: datetime) -> None:
    """Make `each` executions of each schedule that were delivered, due a minute apart from a time on."""
    due = _due(of, each, since)
    while chunk := list(islice(due, _CHUNK)):
        async with database.session() as session:
            await _insert(session, chunk)


def _due(of: Sequence[str], each: int, since: datetime) -> Iterator[tuple[str, datetime]]:
    for number in range(each):
        yield from ((schedule, since + number * APART) for schedule in of)


async def _insert(session: AsyncSession, due: Sequence[tuple[str, datetime]]) -> None:
    made: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = []
    for schedule, at in due:
        execution, delivery = str(uuid.uuid4()), str(uuid.uuid4())
        made.append(
            (
                {
                    "id": execution,
                    "schedule_id": schedule,
                    "due_at": at,
                    "status": ExecutionState.SUCCESS,
                    "started_at": at,
                    "completed_at": at,
                    "created_at": at,
                },
                {
                    "id": delivery,
                    "execution_id": execution,
                    "position": 0,
                    "channel": "email",
                    "connection": "corp-smtp",
                    "recipient": "ada@example.com",
                    "key": delivery,
                    "destination": {},
                    "status": DeliveryState.DELIVERED,
                    "attempts": 1,
                    "delivered_at": at,
                    "created_at": at,
                },
                {
                    "id": str(uuid.uuid4()),
                    "delivery_id": delivery,
                    "number": 1,
                    "started_at": at,
                    "ended_at": at,
                    "outcome": DeliveryState.DELIVERED,
                },
            )
        )
    for table, rows in zip((Execution, Delivery, Attempt), zip(*made, strict=True), strict=True):
        await session.execute(insert(table), list(rows))


async def last_of(session: AsyncSession, schedule: str) -> str:
    """Return the latest execution of a schedule."""
    query = select(Execution.id).where(Execution.schedule_id == schedule).order_by(Execution.due_at.desc()).limit(1)
    return (await session.scalars(query)).one()
