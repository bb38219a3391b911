"""Fill a run of a stage whose files go to object stores: one has arrived, a large one is under way, one was refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.executions.deliveries import new_delivery
from mailroom.executions.history.progress import FileRecord, RenderingRecord
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.database import new_id
from mailroom.storage.tables import Attempt, Delivery, Execution, Json, Schedule

_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_ADDRESS = "s3://reports-of-the-bank/in/2026/11/carrier-punctuality-2026-11.csv"
_FILE = {
    "path": _ADDRESS,
    "bytes": 1_482_113,
    "sha256": _SHA256,
    "etag": "d41d8cd98f00b204e9800998ecf8427e",
    "version": "3HL4kqtJvjVBH40Nrjfkd",
    "checksums": {"CRC64NVME": "AAAAAAAAAAA="},
    "was_there": False,
    "picked_up": False,
}
_REFUSED = "'in/2026/11/carrier-punctuality.csv' exists, and is not of this delivery."


async def fill(session: AsyncSession, *, now: datetime) -> None:
    """Add the run to a sample schedule, asked for just now."""
    schedules = select(Schedule.id).where(Schedule.is_sample.is_(True)).order_by(Schedule.name).limit(1)
    schedule_id = (await session.scalars(schedules)).one()
    row = Execution(
        id=new_id(),
        schedule_id=schedule_id,
        kind=ExecutionKind.RUN_NOW,
        due_at=now - timedelta(seconds=40),
        created_at=now - timedelta(seconds=40),
        started_at=now - timedelta(seconds=38),
        lease_until=now + timedelta(minutes=1),
        status=ExecutionState.RUNNING,
        pass_count=1,
        rendering=_rendering(now - timedelta(seconds=38), now - timedelta(seconds=31)),
    )
    session.add(row)
    await session.flush()
    receipt: Json = {
        "grade": "stored",
        "reference": _ADDRESS,
        "confirmed_at": now.isoformat(),
        "detail": {"files": [_FILE]},
    }
    wanted: tuple[tuple[str, str, DeliveryState, dict[str, Any]], ...] = (
        ("s3", "bank-bucket", DeliveryState.DELIVERED, {"receipt": receipt, "delivered_at": now}),
        ("azure", "archive", DeliveryState.SENDING, {"sent_bytes": 62_000_000, "total_bytes": 214_000_000}),
        ("gcs", "data-team", DeliveryState.REFUSED, {"error_message": _REFUSED}),
    )
    for position, (channel, connection, state, more) in enumerate(wanted):
        delivery = new_delivery(
            row.id, position, connection, channel=channel, connection=connection, destination={}, now=now
        )
        delivery.status, delivery.attempts = state, 1
        for name, value in more.items():
            setattr(delivery, name, value)
        session.add(delivery)
        await session.flush()
        session.add(_attempt(delivery, now))


def _rendering(began_at: datetime, ended_at: datetime) -> Json:
    file = FileRecord(format="csv", began_at=began_at, ended_at=ended_at, rows=1_204_331)
    record = RenderingRecord(began_at=began_at, ended_at=ended_at, taken_up=True, rows=file.rows, files=(file,))
    return record.stored()


def _attempt(delivery: Delivery, now: datetime) -> Attempt:
    is_over = delivery.status is not DeliveryState.SENDING
    return Attempt(
        delivery_id=delivery.id,
        number=1,
        started_at=now - timedelta(seconds=30),
        ended_at=now if is_over else None,
        outcome=delivery.status if is_over else None,
        error_message=delivery.error_message,
    )
