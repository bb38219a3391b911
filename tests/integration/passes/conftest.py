"""A desk to run executions at: a real ledger, Prefect for the blocks, an SMTP server, a database to report on."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists
from sqlalchemy import select

from mailroom.access.service import ensure_default_user
from mailroom.connections import service as connections
from mailroom.connections.service import NewConnection
from mailroom.context import Context
from mailroom.passes.claim import FlowRunFacts, Stopped
from mailroom.passes.settle import Verdict
from mailroom.passes.work import Begun, Work
from mailroom.reports import repository as report_repository
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules import service as schedules
from mailroom.schedules.spec import read_spec
from mailroom.settings import Settings
from mailroom.states import ExecutionKind
from mailroom.storage.database import Database, new_id
from mailroom.storage.tables import Attempt, Delivery, Execution, Schedule, User
from prefect_mailroom import outbound
from tests.support.smtp import SmtpServer, smtp_settings

REPORT: dict[str, Any] = {
    "id": "orders",
    "title": "Orders",
    "source": {
        "kind": "sql",
        "connection": "warehouse",
        "queries": {"orders": "SELECT region, amount FROM orders WHERE amount >= :least"},
    },
    "parameters": {"type": "object", "properties": {"least": {"type": "integer", "default": 0}}},
    "sections": [{"kind": "table", "query": "orders"}],
    "formats": ["csv", "html"],
}


@dataclass
class Desk:
    """What a pass needs, and short ways to ask the ledger."""

    settings: Settings
    database: Database
    mailbox: SmtpServer
    folder: Path
    owner: User

    def context(self) -> Context:
        return Context(user=self.owner, now=datetime.now(UTC), settings=self.settings)

    async def schedule(self, *, ago: timedelta = timedelta(), **changes: Any) -> Schedule:
        """Store a schedule, so long ago, with mail to ada and bob; `changes` replace keys of its body."""
        mail = {"channel": "email", "connection": "smtp", "to": ["ada@example.com", "bob@example.com"]}
        body = {
            "name": "Daily orders",
            "report_id": "orders",
            "timing": {"frequency": "daily", "at": "09:00"},
            "formats": ["csv"],
            "destinations": [mail],
            **changes,
        }
        async with self.database.session() as session:
            context = replace(self.context(), now=datetime.now(UTC) - ago)
            return await schedules.create(session, read_spec(body), context)

    async def requested(self, schedule: Schedule, kind: ExecutionKind = ExecutionKind.RUN_NOW) -> Execution:
        async with self.database.session() as session:
            return await schedules.request_execution(session, schedule.id, kind, self.context())

    async def run_pass(
        self,
        schedule: Schedule,
        execution: Execution | None = None,
        *,
        run_id: str | None = None,
        at: datetime | None = None,
        now: datetime | None = None,
    ) -> Verdict | Stopped:
        """One whole pass, as the flow makes it; `now` is the gate's clock."""
        facts = FlowRunFacts(run_id or new_id(), at or datetime.now(UTC), scheduled=execution is None)
        work = Work(self.database, self.settings, facts)
        begun = await work.begin(schedule.id, execution.id if execution else None, now=now)
        if not isinstance(begun, Begun):
            return begun
        made = await work.render(begun)
        result = made if isinstance(made, Verdict) else await work.deliver(begun, made)
        return await work.settle(begun, result)

    async def deliveries(self) -> dict[str, Delivery]:
        async with self.database.session() as session:
            return {row.recipient: row for row in await session.scalars(select(Delivery))}

    async def attempts(self) -> list[Attempt]:
        async with self.database.session() as session:
            return list(await session.scalars(select(Attempt).order_by(Attempt.started_at)))

    async def execution(self) -> Execution:
        async with self.database.session() as session:
            return (await session.scalars(select(Execution))).one()

    async def reload(self, schedule: Schedule) -> Schedule:
        async with self.database.session() as session:
            found = await session.get(Schedule, schedule.id)
            assert found is not None
            return found

    async def due_now(self) -> None:
        """Let the next attempts be due at once instead of waiting for them."""
        async with self.database.session() as session:
            for row in await session.scalars(select(Delivery).where(Delivery.next_attempt_at.is_not(None))):
                row.next_attempt_at = datetime.now(UTC)


@pytest.fixture
async def mailbox() -> AsyncIterator[SmtpServer]:
    """The mail server that every pass of a test delivers to."""
    async with SmtpServer().serving() as server:
        yield server


@pytest.fixture
async def desk(
    tmp_path: Path, database: Database, prefect_server: str, mailbox: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> Desk:
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    settings = Settings(data_dir=tmp_path / "data", prefect_api_url=prefect_server)
    settings.artifacts_dir.mkdir(parents=True)
    warehouse = tmp_path / "warehouse.db"
    with sqlite3.connect(warehouse) as connection:
        connection.execute("CREATE TABLE orders (region TEXT, amount INTEGER)")
        connection.executemany("INSERT INTO orders VALUES (?, ?)", [("EMEA", 1200), ("APAC", 900)])
    connection.close()
    async with PrefectClient(prefect_server) as client:
        with contextlib.suppress(ObjectAlreadyExists):  # An earlier test of this server made it.
            await client.create_work_pool(WorkPoolCreate(name="mailroom", type="process"))
    kinds = [
        ("smtp", "email", smtp_settings(mailbox.port)),
        ("shared", "folder", {"root": str(tmp_path / "shared")}),
        ("warehouse", "sql", {"url": f"sqlite:///{warehouse}"}),
    ]
    (tmp_path / "shared").mkdir()
    now = datetime.now(UTC)
    async with database.session() as session:
        owner = await ensure_default_user(session, now, settings)
        for name, kind, values in kinds:
            wanted = NewConnection(name=name, kind=kind, settings=values)
            await connections.create(session, wanted, Context(user=owner, now=now, settings=settings))
        await report_repository.save(session, ReportDefinition.model_validate(REPORT), now=now)
    return Desk(settings, database, mailbox, tmp_path / "shared", owner)
