"""Fixtures of both databases, with a schedule in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from mailroom.states import ScheduleState
from mailroom.storage.database import Database
from mailroom.storage.tables import Report, Schedule, User
from tests.support.samples import REPORT

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
MONDAYS = {"frequency": "weekly", "days": ["mon"], "at": "09:00", "timezone": "Europe/Berlin"}


@pytest.fixture(params=["sqlite", "postgres"])
async def ledger(request: pytest.FixtureRequest, migrated_url: Callable[[str], str]) -> AsyncIterator[Database]:
    """Make a migrated database, once on SQLite and once on Postgres."""
    database = Database(migrated_url(request.param))
    yield database
    await database.close()


@pytest.fixture
async def schedule(ledger: Database) -> Schedule:
    """Store an active schedule for Mondays at 9:00 in Berlin, with two mail recipients."""
    return await add_schedule(ledger)


async def add_schedule(ledger: Database, timing: dict[str, Any] | None = None, **columns: Any) -> Schedule:
    """Store a schedule with its report and owner."""
    async with ledger.session() as session:
        owner = User(email="owner@example.com", created_at=NOW, updated_at=NOW)
        report = Report(
            id="sales",
            title="Sales",
            version="0" * 64,
            definition={**REPORT, "id": "sales", "title": "Sales", "formats": ["pdf"]},
            created_at=NOW,
            updated_at=NOW,
        )
        session.add_all([owner, report])
        await session.flush()
        mail = {"channel": "email", "connection": "smtp", "to": ["ada@example.com", "bob@example.com"]}
        row = Schedule(
            user_id=owner.id,
            report_id="sales",
            name="Weekly sales",
            schedule_config=timing or MONDAYS,
            distribution_config={"formats": ["pdf"], "destinations": [mail]},
            filter_config={},
            policy_config=columns.pop("policy_config", {"policy": {}, "condition": {}}),
            state=columns.pop("state", ScheduleState.ACTIVE),
            created_at=NOW,
            updated_at=NOW,
            **columns,
        )
        session.add(row)
    return row
