"""`mailroom upgrade` on tables of an earlier version: checked first, done by one, whole or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text

from cli.operator.upgrade import command as upgrading
from cli.operator.upgrade.look import look
from mailroom.backups import make
from mailroom.backups.places import Places
from mailroom.heartbeats.spec import WRITER
from mailroom.settings import Settings
from mailroom.storage import migrations
from mailroom.storage.database import Database
from tests.support.prefect import NOBODY_LISTENS
from tests.support.prefect_template import lay_out

BEFORE = "0031"


@pytest.fixture(params=["sqlite", "postgres"])
async def older(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """Make a database with the tables of an earlier version."""
    is_file = request.param == "sqlite"
    url = f"sqlite+aiosqlite:///{tmp_path / 'm.db'}" if is_file else request.getfixturevalue("fresh_postgres")
    database = Database(url)
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda sync: command.upgrade(migrations.alembic_config(sync), BEFORE))
    yield database
    await database.close()


@pytest.fixture
def settings(older: Database, tmp_path: Path) -> Settings:
    url = older.engine.url.render_as_string(hide_password=False)
    return Settings(data_dir=tmp_path / "data", database_url=url, prefect_api_url=NOBODY_LISTENS, min_free_mb=1)


async def _upgrade(settings: Settings, *, only_check: bool = False, without_backup: bool = False) -> int:
    return await upgrading._upgrade(settings, only_check=only_check, without_backup=without_backup)


async def test_it_looks_first_and_says_by_its_status_what_it_found(older: Database, settings: Settings) -> None:
    assert await _upgrade(settings) == 1, "there is no backup"
    assert await _upgrade(settings, only_check=True, without_backup=True) == upgrading.PENDING
    assert await migrations.version(older) == BEFORE
    assert await _upgrade(settings, without_backup=True) == 0
    assert await migrations.is_current(older)
    assert await _upgrade(settings, only_check=True) == 0


async def test_a_backup_and_running_processes_are_seen_in_older_tables(older: Database, settings: Settings) -> None:
    now = datetime.now(UTC)
    beat = {"name": WRITER, "process": "api host-1:17", "at": now, "late": 60.0}
    insert = (
        "INSERT INTO heartbeats (name, process, began_at, last_success, late_after, detail) "
        "VALUES (:name, :process, :at, :at, :late, '{}')"
    )
    async with older.session() as session:
        values: dict[str, Any] = beat
        if older.engine.dialect.name == "sqlite":
            values = {**beat, "at": now.replace(tzinfo=None).isoformat(" ")}
        await session.execute(text(insert), values)
    found = await look(settings, without_backup=True, now=now)
    assert [step.version for step in found.steps] == [one.version for one in migrations.lacking(BEFORE)]
    (processes,) = [one for one in found.findings if one.check == "processes"]
    assert "api host-1:17" in processes.message
    assert await _upgrade(settings, without_backup=True) == 1, "that process cannot work with the new tables"


async def test_a_backup_can_be_made_before_the_upgrade_and_is_then_taken_as_the_way_back(
    older: Database, settings: Settings, tmp_path: Path
) -> None:
    """By the new program, on the old tables."""
    if older.engine.dialect.name != "sqlite":
        pytest.skip("The tools of Postgres are tested with the backups themselves.")
    home = settings.data_dir / "prefect"
    home.mkdir(parents=True)
    lay_out(home)
    places = Places.of(settings, f"sqlite+aiosqlite:///{home / 'prefect.db'}")
    await make.make(places, tmp_path / "backup", {}, by="ada", tell=lambda *_: None)
    assert await _upgrade(settings) == 0


async def test_of_two_that_are_started_at_once_one_does_it(older: Database) -> None:
    other = Database(older.engine.url.render_as_string(hide_password=False))
    try:
        await asyncio.gather(migrations.upgrade(older), migrations.upgrade(other))
    finally:
        await other.close()
    assert await migrations.is_current(older)


async def test_one_that_breaks_off_leaves_the_tables_as_they_were(
    older: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = command.upgrade

    def broken_off(*arguments: Any) -> None:
        whole(*arguments)
        raise RuntimeError("The power is gone.")

    monkeypatch.setattr(command, "upgrade", broken_off)
    with pytest.raises(RuntimeError):
        await migrations.upgrade(older)
    assert await migrations.version(older) == BEFORE
    monkeypatch.undo()
    await migrations.upgrade(older)
    assert await migrations.is_current(older)
