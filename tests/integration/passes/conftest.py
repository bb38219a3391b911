"""A desk to run executions at: a real ledger, Prefect for the blocks, an SMTP server, a database to report on."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.message
import email.policy
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
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
class Mailbox:
    """An SMTP server's side: `replies` by recipient stand in the way, `mails` is what it took.

    `before` is awaited when a mail has come, before it is answered.
    """

    port: int = 0
    replies: dict[str, str] = field(default_factory=dict)
    mails: list[tuple[str, email.message.EmailMessage]] = field(default_factory=list)
    before: Callable[[], Awaitable[object]] | None = None

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.replies:
            return self.replies[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        if self.before:
            await self.before()
        assert isinstance(envelope.content, bytes)
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(parsed, email.message.EmailMessage)
        self.mails += [(address, parsed) for address in envelope.rcpt_tos]
        return "250 2.0.0 Ok: queued as ABC123"

    def taken(self) -> list[str]:
        """Who got a mail, in order of address; a name twice is a duplicate."""
        return sorted(address for address, _ in self.mails)


@dataclass
class Desk:
    """What a pass needs, and short ways to ask the ledger."""

    settings: Settings
    database: Database
    mailbox: Mailbox
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
async def mailbox() -> AsyncIterator[Mailbox]:
    box = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box, hostname="mail.test"), "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    yield box
    server.close()


@pytest.fixture
async def desk(
    tmp_path: Path, database: Database, prefect_server: str, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
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
    smtp = {
        "credentials": {"smtp_server": "127.0.0.1", "smtp_port": mailbox.port, "smtp_type": "INSECURE"},
        "from_address": "reports@example.com",
        "allow_plain": True,
    }
    kinds = [
        ("smtp", "email", smtp),
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
