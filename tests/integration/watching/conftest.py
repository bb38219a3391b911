"""A ledger whose content is known, on both databases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.database import Database, new_id
from mailroom.storage.tables import Attempt, Delivery, Execution, Schedule
from tests.integration.conftest import add_schedule

NOW = datetime(2026, 11, 26, 12, 10, tzinfo=UTC)
E, D = ExecutionState, DeliveryState


@dataclass(frozen=True)
class Arrived:
    """A delivery: so many seconds after the due time, in so many tries; None where it never was confirmed."""

    seconds: float | None = 4.0
    channel: str = "email"
    connection: str = "smtp"
    status: DeliveryState = D.DELIVERED
    tries: int = 1


@dataclass
class Ledger:
    """Writes occurrences into a ledger as passes leave them."""

    database: Database
    schedule: Schedule

    async def add(
        self,
        due_at: datetime,
        status: ExecutionState = E.SUCCESS,
        *arrived: Arrived,
        ended_after: float = 5.0,
        **columns: Any,
    ) -> Execution:
        """Store an occurrence and its deliveries; `columns` replace those of the execution."""
        ended = due_at + timedelta(seconds=ended_after) if status.ended else None
        values: dict[str, Any] = {
            "id": new_id(),
            "schedule_id": self.schedule.id,
            "kind": ExecutionKind.SCHEDULED,
            "due_at": due_at,
            "status": status,
            "started_at": due_at + timedelta(seconds=1),
            "completed_at": ended,
            "pass_count": 1,
            "created_at": due_at,
        }
        async with self.database.session() as session:
            row = Execution(**{**values, **columns})
            session.add(row)
            await session.flush()
            for place, one in enumerate(arrived):
                await self._deliver(session, row, place, one)
        return row

    async def _deliver(self, session: Any, row: Execution, place: int, one: Arrived) -> None:
        at = None if one.seconds is None else row.due_at + timedelta(seconds=one.seconds)
        delivery = Delivery(
            execution_id=row.id,
            position=place,
            channel=one.channel,
            connection=one.connection,
            recipient=f"person{place}@example.com",
            key=new_id(),
            destination={},
            status=one.status,
            attempts=one.tries,
            delivered_at=at,
            created_at=row.due_at,
        )
        session.add(delivery)
        await session.flush()
        if at is not None:
            began = at - timedelta(seconds=0.4)
            session.add(
                Attempt(delivery_id=delivery.id, number=one.tries, started_at=began, ended_at=at, outcome=D.DELIVERED)
            )

    async def sample(self) -> Ledger:
        """Return the same ledger for a schedule that is sample data."""
        async with self.database.session() as session:
            row = (await session.scalars(select(Schedule).where(Schedule.id == self.schedule.id))).one()
            own = {"id", "is_sample"}
            columns = {one.key: getattr(row, one.key) for one in Schedule.__table__.columns if one.key not in own}
            other = Schedule(**columns, is_sample=True)
            session.add(other)
        return Ledger(self.database, other)


@pytest.fixture
async def books(ledger: Database) -> Ledger:
    """Return an empty ledger with one schedule, on SQLite and on Postgres."""
    return Ledger(ledger, await add_schedule(ledger))
