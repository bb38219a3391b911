"""An installation that tells people of incidents: a mail server, a receiver of requests, and a clock that is moved."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from standardwebhooks.webhooks import Webhook

from embedded.ports import free_port
from mailroom.access.service import ensure_default_user
from mailroom.alerts import service as alerts
from mailroom.alerts.spec import AlertState
from mailroom.connections import service as connections
from mailroom.connections.spec import NewConnection
from mailroom.context import Context
from mailroom.incidents.spec import IncidentKind, Level, Severity
from mailroom.notifications.kinds import Route
from mailroom.roles import Role
from mailroom.setting_groups.alerts import AlertSettings
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.model.access import Team
from mailroom.storage.model.incidents import Alert, Incident
from mailroom.storage.tables import Connection, Notification, User
from prefect_mailroom import outbound
from tests.integration.blocks.conftest import (  # noqa: F401  # pytest finds fixtures by their names here.
    HttpServer,
    start_http,
)
from tests.support.smtp import SmtpServer, smtp_settings

SECRET = "whsec_YS1zaWduaW5nLXNlY3JldC1vZi0zMi1ieXRlcy1sZW4="
OPERATOR = "ops@example.com"
CONNECTION = "mail-of-alerts"


@dataclass
class Office:
    """The installation. `now` is the time of its clock; `mail` and `hook` are the far sides."""

    database: Database
    settings: Settings
    mail: SmtpServer
    hook: HttpServer
    people: dict[str, User] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def clock(self) -> datetime:
        """Return the time."""
        return self.now

    def with_alerts(self, **changes: Any) -> None:
        """Change the settings of alerts."""
        changed = AlertSettings(**{**self.settings.alerts.model_dump(), **changes})
        self.settings = self.settings.model_copy(update={"alerts": changed})

    async def trouble(
        self, kind: IncidentKind = IncidentKind.DISK_LOW, *, owner: str | None = None, **columns: Any
    ) -> str:
        """Open an incident that is due to be told; return its id."""
        values: dict[str, Any] = {
            "kind": str(kind),
            "subject": "data",
            "severity": str(Severity.ERROR),
            "level": str(Level.OWNER if owner else Level.OPERATOR),
            "owner_id": self.people[owner].id if owner else None,
            "opened_at": self.now,
            "last_seen_at": self.now,
            "tell_at": self.now,
            **columns,
        }
        async with self.database.session() as session:
            row = Incident(**values)
            session.add(row)
            await session.flush()
            return row.id

    async def change(self, incident: str, **columns: Any) -> None:
        """Change an incident, as those who look for troubles do."""
        async with self.database.session() as session:
            await session.execute(update(Incident).where(Incident.id == incident).values(**columns))

    async def over(self, incident: str) -> None:
        """End an incident."""
        await self.change(incident, resolved_at=self.now)

    async def step(self) -> None:
        """Do once what the loops do again and again."""
        await alerts.step(self.database, self.settings, clock=self.clock)

    async def work(self, seconds: float = 60) -> None:
        """Do what the loops do in so many seconds."""
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            await self.step()
            self.now += timedelta(seconds=3)

    async def settle(self) -> None:
        """Do what the loops do until nothing waits any more, a minute at most, and once again to see that it is so."""
        for _ in range(20):
            await self.work(3)
            if not await self.rows(state=str(AlertState.PENDING)):
                break
        await self.work(3)

    async def alerts(self, **conditions: str) -> list[tuple[str, str, str, str]]:
        """Return stage, route, target and state of each alert, sorted; a user is shown by name."""
        names = {user.id: name for name, user in self.people.items()}
        return sorted(
            (row.stage, row.route, names.get(row.target, row.target), row.state)
            for row in await self.rows(**conditions)
        )

    async def rows(self, **conditions: str) -> list[Alert]:
        """Return the alerts, oldest first."""
        query = select(Alert).filter_by(**conditions).order_by(Alert.created_at, Alert.id)
        async with self.database.session() as session:
            return list(await session.scalars(query))

    async def notices(self, name: str) -> list[Notification]:
        """Return what a user was told within Mailroom, oldest first."""
        query = select(Notification).where(Notification.user_id == self.people[name].id)
        async with self.database.session() as session:
            return list(await session.scalars(query.order_by(Notification.at, Notification.id)))

    def requests(self) -> list[dict[str, Any]]:
        """Return the body of each request that came, all of whose signatures are right."""
        return [Webhook(SECRET).verify(posted.body, posted.headers) for posted in self.hook.requests]


@dataclass
class Block:
    """The block of the mail connection, which is made in Prefect once for all tests; their servers share its port."""

    port: int
    made_at: datetime | None = None

    async def connect(self, session: AsyncSession, context: Context) -> None:
        """Store the mail connection, with its block where there is none yet."""
        if self.made_at is None:
            wanted = NewConnection(name=CONNECTION, kind="email", settings=smtp_settings(self.port))
            self.made_at = (await connections.create(session, wanted, context)).updated_at
            return
        at = {"created_at": self.made_at, "updated_at": self.made_at}
        session.add(Connection(name=CONNECTION, kind="email", block_type_slug="mailroom-email", **at))


@pytest.fixture(scope="session")
def block() -> Block:
    """Return the block of the mail connection."""
    return Block(free_port("127.0.0.1"))


@pytest.fixture
async def office(
    tmp_path: Path,
    database: Database,
    prefect_server: str,
    block: Block,
    start_http: Callable[..., Any],  # noqa: F811  # the fixture above
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Office]:
    """Make an installation whose operators have a mail address and a receiver, with an admin and two of a team."""
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    async with SmtpServer(port=block.port).serving() as mail, start_http() as hook:
        given = {"operator_mail": OPERATOR, "webhook_url": hook.url, "webhook_secret": SECRET}
        settings = Settings(data_dir=tmp_path / "data", prefect_api_url=prefect_server, alerts=given)
        made = Office(database, settings, mail, hook)
        async with database.session() as session:
            admin = await ensure_default_user(session, made.now, settings)
            team = Team(name="Sales", created_at=made.now, updated_at=made.now)
            session.add(team)
            await session.flush()
            for name in ("ada", "bob"):
                user = User(
                    email=f"{name}@example.com",
                    role=Role.CREATOR,
                    team_id=team.id,
                    created_at=made.now,
                    updated_at=made.now,
                )
                session.add(user)
                made.people[name] = user
            made.people["admin"] = admin
            await block.connect(session, Context(user=admin, now=made.now, settings=settings))
        yield made


SENT, FAILED, WITHDRAWN = str(AlertState.SENT), str(AlertState.FAILED), str(AlertState.WITHDRAWN)
MAIL, HOOK, IN_APP = str(Route.MAIL), str(Route.WEBHOOK), str(Route.IN_APP)
