"""Serve the pages over a copy of an embedded system's database, with a clock that stands still.

The copy is filled for the pictures or the tests; the system itself goes on with its own. Prefect, blocks and renderers
are the system's, so that previews and checks are real. The loops of the API do not run: they would act on the time that
has passed since the clock stood still.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select, update

from api.app import create_app
from bench.browsing import house, told, uploads
from bench.browsing.in_process import on_a_port
from embedded.bootstrap import use_our_prefect
from embedded.sample_history.write import write
from mailroom.access.service import ensure_default_user
from mailroom.audit.sealing.sealer import Sealer
from mailroom.members import web_sessions
from mailroom.members.web_sessions import Origin
from mailroom.roles import Role
from mailroom.settings import Settings
from mailroom.states import SyncState
from mailroom.storage.database import Database, Instant, new_id
from mailroom.storage.hosts import marker
from mailroom.storage.tables import Schedule, Table, User

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
"""A Thursday, 09:00 in Berlin."""
NAMES = {Role.ADMIN: "Ada Admin", Role.CREATOR: "Chris Creator", Role.VIEWER: "Vera Viewer"}


@dataclass(frozen=True)
class Stage:
    """The pages, served at `url`. `secrets` are the secrets of the sessions in which people of each role are."""

    url: str
    app: FastAPI
    database: Database
    settings: Settings
    people: dict[Role, User]
    secrets: dict[Role, str]


@asynccontextmanager
async def staged(system: Settings, *, samples: bool, prefect: str = "", now: datetime = NOW) -> AsyncIterator[Stage]:
    """Serve the pages over a copy of this system's database.

    Args:
        samples: whether the sample schedules and their month of history are there.
        prefect: the address of Prefect's API, if it is not to be the system's.
    """
    with TemporaryDirectory(prefix="mailroom-stage-") as folder:
        copy = Path(folder) / "mailroom.db"
        await asyncio.to_thread(_copy, system.data_dir / "mailroom.db", copy, now)
        await asyncio.to_thread(_same_store, system.artifacts_dir, Path(folder) / "artifacts")
        settings = system.model_copy(
            update={
                "database_url": f"sqlite+aiosqlite:///{copy}",
                "prefect_api_url": prefect or system.prefect_api,
                "data_dir": Path(folder),
                "renderers_socket": system.renderers_path,
                "api_key": SecretStr((system.data_dir / "api-key").read_text().strip()),
            }
        )
        database = Database(settings.database)
        environment = dict(os.environ)
        use_our_prefect(settings)
        try:
            people, secrets = await _people(database, settings, now)
            if samples:
                owners = {"creator": people[Role.CREATOR], "admin": people[Role.ADMIN]}
                async with database.session() as session:
                    await write(session, settings, owners, now=now)
                    await told.tell(session, [people[role] for role in NAMES], now=now)
                    await house.fill(session, people[Role.ADMIN], now=now)
                    await uploads.fill(session, now=now)
                    shown = {"sync_state": SyncState.SYNCED, "observed_generation": Schedule.generation}
                    await session.execute(update(Schedule).values(shown))  # Nobody brings these to Prefect.
            await Sealer(database, settings).tick(now)
            app = create_app(settings, database)
            # Nobody reads a line for each request of these.
            before = structlog.get_config()
            structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
            app.state.services = replace(app.state.services, clock=lambda: now)
            try:
                async with on_a_port(app) as port:
                    yield Stage(f"http://127.0.0.1:{port}", app, database, settings, people, secrets)
            finally:
                structlog.configure(**before)
        finally:
            os.environ.clear()  # What runs later in this process is not to inherit where this Prefect was.
            os.environ.update(environment)
            await database.close()


def _copy(source: Path, target: Path, now: datetime) -> None:
    """Copy the database, as if everything in it had been made the day before."""
    back = now - timedelta(days=1) - datetime.now(UTC)

    def shift(stored: str) -> str:
        return (datetime.fromisoformat(stored) + back).isoformat(sep=" ")

    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)
        other.create_function("shift", 1, shift)
        guards = other.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            other.execute(f"DROP TRIGGER {name}")
        for table in Table.metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, Instant):
                    where = f"{column.name} IS NOT NULL"
                    other.execute(f"UPDATE {table.name} SET {column.name} = shift({column.name}) WHERE {where}")
        # The seals were of other times; the trail is sealed anew.
        other.execute("DELETE FROM audit_seals")
        other.execute("UPDATE audit_chain SET position = 0, hash = kept_hash")
        for _, words in guards:
            other.execute(words)
        other.commit()


def _same_store(source: Path, target: Path) -> None:
    """Mark the folder of the copy as the store that its database names."""
    target.mkdir()
    (target / marker.NAME).write_text(marker.read(source))


async def _people(database: Database, settings: Settings, now: datetime) -> tuple[dict[Role, User], dict[Role, str]]:
    """Make a person of each role, with a session that begins now."""
    people, secrets = {}, {}
    async with database.session() as session:
        await ensure_default_user(session, now, settings)
        for role, name in NAMES.items():
            external = f"demo-{role}"
            user = (await session.scalars(select(User).where(User.external_id == external))).one_or_none()
            if user is None:
                user = User(id=new_id(), email=f"{external}@example.com", name=name, role=role, external_id=external)
                user.timezone, user.created_at, user.updated_at = "Europe/Berlin", now, now
                session.add(user)
                await session.flush()
            _, secrets[role] = await web_sessions.begin(
                session, user, "link", Origin("127.0.0.1", "the stage"), now=now, settings=settings
            )
            people[role] = user
    return people, secrets
