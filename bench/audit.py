"""Measure what the audit trail costs a send: `make bench-audit` (N=, URL=); writes bench/out/audit.json.

It records the ends of attempts, each in a transaction of its own as a pass does, by turns with their entries and
without. The difference of the medians is the cost of a send.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from mailroom.executions import delivery_lifecycle
from mailroom.passes.planned.shipment import Shipment
from mailroom.passes.steps.recorded import SendingTrail
from mailroom.states import DeliveryState, ExecutionKind
from mailroom.storage.database import Database, new_id
from mailroom.storage.migrations import upgrade
from mailroom.storage.tables import Attempt, Delivery, Execution, Report, Schedule, User

OUT = Path(__file__).parent / "out" / "audit.json"


async def measure(url: str, count: int) -> dict[str, Any]:
    """Return the milliseconds that it takes to record the end of an attempt, with entries and without."""
    database = Database(url)
    try:
        await upgrade(database)
        execution, attempts = await _attempts(database, 2 * count)
        ids = SimpleNamespace(id=execution.id)
        shipment = cast(Shipment, SimpleNamespace(schedule=SimpleNamespace(id=execution.schedule_id), execution=ids))
        trail = SendingTrail(shipment)
        trail.owner = "owner@example.com"
        took: dict[bool, list[float]] = {True: [], False: []}
        for number, (delivery, attempt) in enumerate(attempts):
            audited = number % 2 == 0
            begun = time.perf_counter()
            await _end(database, trail if audited else None, delivery, attempt)
            took[audited].append((time.perf_counter() - begun) * 1000)
    finally:
        await database.close()
    with_ms, without_ms = statistics.median(took[True]), statistics.median(took[False])
    return {
        "sends": count,
        "database": url.partition(":")[0],
        "without_ms": round(without_ms, 3),
        "with_ms": round(with_ms, 3),
        "cost_ms": round(with_ms - without_ms, 3),
    }


async def _end(database: Database, trail: SendingTrail | None, delivery: Delivery, attempt: Attempt) -> None:
    now = datetime.now(UTC)

    async def end(session: Any) -> None:
        await delivery_lifecycle.end_attempt(
            session, attempt, now=now, outcome=DeliveryState.DELIVERED, receipt={"reference": "250 OK"}
        )
        if trail is not None:
            trail.sent(session, delivery, attempt, DeliveryState.DELIVERED, uses=True, now=now)

    await database.transact(end)


async def _attempts(database: Database, count: int) -> tuple[Execution, list[tuple[Delivery, Attempt]]]:
    now = datetime.now(UTC)
    times = {"created_at": now, "updated_at": now}
    made = []
    async with database.session() as session:
        owner = User(id=new_id(), email=f"{new_id()}@example.com", **times)
        report = Report(id=new_id(), title="Orders", version="1", definition={}, **times)
        session.add_all([owner, report])
        await session.flush()
        parts = ("schedule_config", "distribution_config", "filter_config", "policy_config")
        configs: dict[str, Any] = {part: {} for part in parts}
        schedule = Schedule(id=new_id(), report_id=report.id, user_id=owner.id, name="Orders", **configs, **times)
        session.add(schedule)
        await session.flush()
        execution = Execution(
            id=new_id(), schedule_id=schedule.id, kind=ExecutionKind.RUN_NOW, due_at=now, created_at=now
        )
        session.add(execution)
        await session.flush()
        for number in range(count):
            delivery = Delivery(
                id=new_id(),
                execution_id=execution.id,
                position=0,
                channel="email",
                connection="smtp",
                recipient=f"reader-{number}@example.com",
                key=new_id(),
                destination={},
                status=DeliveryState.SENDING,
                attempts=1,
                created_at=now,
            )
            made.append((delivery, Attempt(id=new_id(), delivery_id=delivery.id, number=1, started_at=now)))
        session.add_all([delivery for delivery, _ in made])
        await session.flush()
        session.add_all([attempt for _, attempt in made])
    return execution, made


def main() -> None:
    """Measure, print and write the figures."""
    count = int(os.environ.get("N", "1000"))
    with tempfile.TemporaryDirectory(prefix="mailroom-bench-audit-") as folder:
        url = os.environ.get("URL") or f"sqlite+aiosqlite:///{Path(folder) / 'mailroom.db'}"
        found = asyncio.run(measure(url, count))
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
