"""Deliver a report with its files, for somebody who has nothing but the link."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import select

from mailroom.executions.deliveries import new_delivery
from mailroom.links.maker import LinkMaker, link_maker
from mailroom.roles import Role
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.artifacts import ArtifactStore
from mailroom.storage.database import new_id
from mailroom.storage.model.links import Download
from mailroom.storage.tables import Artifact, AuditEvent, Delivery, Execution, Notification
from prefect_mailroom.channels.base import ParcelFile
from prefect_mailroom.channels.registry import destination
from tests.integration.api.access.people import People, Person
from tests.integration.api.conftest import SCHEDULE

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

ADA, BOB = "Ada@example.com", "bob@example.com"
CONTENT = {"orders.csv": b"region,amount\nEMEA,1200\n", "orders.html": b"<script>alert(1)</script>"}
MAIL: dict[str, Any] = {"channel": "email", "connection": "corp-smtp", "to": [ADA, BOB]}


@dataclass
class Sent:
    """Hold what was sent: the schedule of `owner`, its execution, its deliveries by recipient. `reader` has no key."""

    api: Api
    owner: Person
    reader: httpx.AsyncClient
    schedule_id: str
    execution_id: str
    deliveries: dict[str, Delivery]
    artifacts: list[Artifact] = field(default_factory=list)

    def maker(self, **changes: Any) -> LinkMaker:
        """Return what makes links by the settings of this API, with these changed."""
        return link_maker(self.api.settings.model_copy(update=changes), self.artifacts)

    def link(self, recipient: str = ADA, **changes: Any) -> str:
        """Return the path of the page that a recipient's link leads to."""
        row = self.deliveries[recipient]
        files = [ParcelFile(None, a.filename, a.media_type, a.size, a.sha256) for a in self.artifacts]  # type: ignore[arg-type]  # no link is made from the path
        (page,) = set(self.maker(**changes).downloads(row, destination(row.destination), files).values())
        return page.removeprefix(self.api.settings.public_url)

    def stop_link(self, recipient: str = ADA) -> str:
        """Return the path of a recipient's link to unsubscribe."""
        row = self.deliveries[recipient]
        return self.maker().unsubscribe(row, destination(row.destination)).removeprefix(self.api.settings.public_url)

    async def rows(self, table: Any, *conditions: Any) -> list[Any]:
        """Return rows of a table."""
        async with self.api.database.session() as session:
            return list(await session.scalars(select(table).where(*conditions)))

    async def downloads(self) -> list[Download]:
        """Return everything that was fetched, in order."""
        return sorted(await self.rows(Download), key=lambda row: row.at)

    async def audited(self, action: str) -> list[AuditEvent]:
        """Return the entries of the trail for an action."""
        return await self.rows(AuditEvent, AuditEvent.action == action)

    async def told(self) -> list[Notification]:
        """Return what the owner was told, in order."""
        return sorted(await self.rows(Notification, Notification.user_id == self.owner.id), key=lambda row: row.at)


@pytest.fixture(autouse=True)
def _with_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the API the key that links are signed with."""
    monkeypatch.setenv("MAILROOM_LINK_KEY", "k" * 32)


@pytest.fixture
async def sent(either: Api) -> AsyncIterator[Sent]:
    """Send ada and bob a report of a creator's schedule, on each database."""
    async for one in _sent(either):
        yield one


@pytest.fixture
async def sent_on_sqlite(offline: Api) -> AsyncIterator[Sent]:
    """Send the same report on SQLite alone, for tests in which the database plays no part."""
    async for one in _sent(offline):
        yield one


async def _sent(api: Api) -> AsyncIterator[Sent]:
    people = People(api)
    await api.json("PUT", "/connections/corp-smtp/grants", 200, json={"roles": ["creator"]})
    owner = await people.person("owner", Role.CREATOR)
    schedule = await owner.json("POST", "/schedules/", 201, json={**SCHEDULE, "destinations": [MAIL]})
    transport = httpx.ASGITransport(api.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://mailroom.test") as reader:
        made = Sent(api, owner, reader, schedule["id"], new_id(), {})
        await deliver(made)
        yield made
    for client in people.clients:
        await client.aclose()


async def deliver(made: Sent) -> None:
    """Store an execution that reached ada and bob."""
    now, store = datetime.now(UTC), ArtifactStore(made.api.settings.artifacts_dir)
    for name, content in CONTENT.items():
        row = Artifact(
            id=new_id(),
            sha256=store.put(content),
            filename=name,
            format=name.rpartition(".")[2],
            media_type="text/csv",
            size=len(content),
            created_at=now,
            expires_at=now + timedelta(days=30),
        )
        made.artifacts.append(row)
    execution = Execution(
        id=made.execution_id,
        schedule_id=made.schedule_id,
        kind=ExecutionKind.RUN_NOW,
        due_at=now,
        status=ExecutionState.SUCCESS,
        artifact_ids=[one.id for one in made.artifacts],
        plan={"report_title": "Orders & more", "report_id": "orders"},
        created_at=now,
        completed_at=now,
    )
    for recipient in (ADA, BOB):
        sent = new_delivery(
            execution.id, 0, recipient, channel="email", connection="corp-smtp", destination=MAIL, now=now
        )
        sent.status, sent.delivered_at = DeliveryState.DELIVERED, now
        made.deliveries[recipient] = sent
    async with made.api.database.session() as session:
        session.add_all([*made.artifacts, execution])
        await session.flush()
        session.add_all(made.deliveries.values())
