"""The conflict check among ten thousand schedules: how often it asks the database, on both databases what it finds."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, update

from bench.time.conflicts import fill, spec
from mailroom.access.service import ensure_default_user
from mailroom.access.viewer import Viewer
from mailroom.schedules.conflicts.survey import COMPARED, Draft, survey
from mailroom.schedules.conflicts.warning import Code, ScheduleWarning
from mailroom.settings import Settings
from mailroom.states import ScheduleState
from mailroom.storage.database import Database
from mailroom.storage.tables import Schedule, User

NOW = datetime.now(UTC)


async def owner_of(database: Database) -> User:
    async with database.session() as session:
        return await ensure_default_user(session, NOW, Settings())


@pytest.fixture(params=["sqlite", "postgres"])
async def either(request: pytest.FixtureRequest, migrated_url: Callable[[str], str]) -> AsyncIterator[Database]:
    """A migrated database of each kind."""
    database = Database(migrated_url(request.param))
    yield database
    await database.close()


async def look(database: Database, owner: User, draft: Draft) -> tuple[list[ScheduleWarning], list[str]]:
    """The warnings, and the statements that it took."""
    statements: list[str] = []

    def remember(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", remember)
    try:
        async with database.session() as session:
            found = await survey(session, draft, Viewer(owner.id), now=NOW, settings=Settings())
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", remember)
    return found, statements


async def test_ten_thousand_schedules_take_no_more_queries_than_ten(database: Database) -> None:
    owner = await owner_of(database)
    draft = Draft.of(spec(random.Random(2), 1), None)
    await fill(database, owner, 10)
    few = (await look(database, owner, draft))[1]
    await fill(database, owner, 10_000, seed=3)
    found, many = await look(database, owner, draft)
    assert len(many) <= 7
    assert len(many) <= len(few) + 1  # What is shared is read as well where something is shared.
    assert found


async def test_both_databases_find_the_same(either: Database) -> None:
    owner = await owner_of(either)
    await fill(either, owner, 300)
    pick = random.Random(1)
    twins = [Draft.of(spec(pick, number), None) for number in range(300)]  # What `fill` stored.
    for twin in twins[:5]:
        found, _ = await look(either, owner, twin)
        codes = {warning.code for warning in found}
        assert {Code.DUPLICATE, Code.SAME_FILE} <= codes
        own = next(w for w in found if w.code is Code.SAME_FILE).data["schedule"]
        assert own["name"] == twin.name
        found, _ = await look(either, owner, replace(twin, schedule_id=own["id"]))
        assert not any((w.data.get("schedule") or {}).get("id") == own["id"] for w in found)
    async with either.session() as session:
        await session.execute(update(Schedule).values(state=ScheduleState.PAUSED))
    found, _ = await look(either, owner, twins[0])
    assert found == []


async def test_more_neighbours_than_are_compared_are_said_to_be_there(database: Database) -> None:
    owner = await owner_of(database)
    draft = Draft.of(spec(random.Random(1), 0), None)
    for _ in range(COMPARED + 3):
        await fill(database, owner, 1)
    found, _ = await look(database, owner, draft)
    assert sum(warning.code is Code.DUPLICATE for warning in found) == COMPARED
    assert [w.data for w in found if w.code is Code.NOT_COMPARED] == [{"schedules": 3}]
