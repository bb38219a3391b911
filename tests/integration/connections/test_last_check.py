"""A connection keeps its last check and its secrets, and tells who uses it, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailroom.access.viewer import SYSTEM, Viewer
from mailroom.connections import repository as connections
from mailroom.connections.repository import Change
from mailroom.connections.seen import uses
from mailroom.reports import repository as reports
from mailroom.reports.spec import ReportDefinition
from mailroom.roles import Role
from mailroom.schedules.conflicts import repository as conflicts
from mailroom.schedules.listing.repository import replace_destinations
from mailroom.schedules.spec import ScheduleSpec, store_spec
from mailroom.states import ScheduleState
from mailroom.storage.database import Database, new_id
from mailroom.storage.tables import Connection, Schedule, User
from tests.support import samples

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


@pytest.fixture(params=["sqlite", "postgres"])
async def either(request: pytest.FixtureRequest, migrated_url: Callable[[str], str]) -> AsyncIterator[Database]:
    """Give a migrated database of each kind with one connection, which has a secret."""
    database = Database(migrated_url(request.param))
    async with database.session() as session:
        row = await connections.insert(
            session, "corp", kind="folder", block_type_slug="x", description="", has_secrets=True, now=NOW
        )
        assert row is not None
    yield database
    await database.close()


async def stored(database: Database) -> Connection:
    async with database.session() as session:
        return await connections.get(session, "corp", viewer=SYSTEM)


async def check(
    database: Database, seen: datetime, *, ok: bool, at: datetime = NOW, message: str = "It said so."
) -> None:
    async with database.session() as session:
        await connections.checked(session, "corp", seen=seen, ok=ok, message=message, now=at)


async def change(database: Database, **facts: Any) -> None:
    change = Change(**{"description": "", "is_same": False, "has_secrets": True, "has_new_secrets": False, **facts})
    async with database.session() as session:
        await connections.changed(session, "corp", change, now=LATER)


async def test_a_check_counts_for_the_settings_that_it_was_made_with(either: Database) -> None:
    await check(either, NOW, ok=False, message="x" * 5000)
    row = await stored(either)
    assert (row.last_check_at, row.last_check_ok, row.last_check_message) == (NOW, False, "x" * connections.MESSAGE)
    await change(either)
    await check(either, NOW, ok=True)  # It was asked for before the change.
    row = await stored(either)
    assert (row.last_check_at, row.last_check_ok, row.last_check_message) == (None, None, None)
    await check(either, LATER, ok=True, at=LATER)
    await check(either, LATER, ok=False, at=NOW)  # An earlier one that ends late.
    assert (await stored(either)).last_check_ok is True
    await change(either, is_same=True)
    assert (await stored(either)).last_check_ok is True


async def test_the_age_of_a_secret_is_that_of_its_last_change(either: Database) -> None:
    assert (await stored(either)).secret_changed_at == NOW
    await change(either)
    assert (await stored(either)).secret_changed_at == NOW
    await change(either, has_new_secrets=True)
    assert (await stored(either)).secret_changed_at == LATER
    await change(either, has_secrets=False)
    assert (await stored(either)).secret_changed_at is None


async def test_the_last_checks_of_a_schedule_are_one_query_in_its_order(either: Database) -> None:
    await check(either, NOW, ok=False)
    async with either.session() as session:
        await connections.insert(
            session, "new", kind="folder", block_type_slug="x", description="", has_secrets=False, now=NOW
        )
        found = await conflicts.last_checks(session, ["new", "gone", "corp"])
    assert [(one.connection, one.at, one.ok) for one in found] == [("new", None, None), ("corp", NOW, False)]


async def test_users_are_named_as_far_as_they_are_seen_and_else_counted(either: Database) -> None:
    async with either.session() as session:
        for one in ("ada", "eve"):
            session.add(User(id=one, email=f"{one}@example.com", role=Role.CREATOR, created_at=NOW, updated_at=NOW))
        definition = {**samples.REPORT, "source": {**samples.REPORT["source"], "connection": "corp"}}
        await reports.save(session, ReportDefinition.model_validate(definition), now=NOW)
        await session.flush()
        for owner, name, state, connection in (
            ("ada", "Mine", ScheduleState.ACTIVE, "corp"),
            ("ada", "Paused", ScheduleState.PAUSED, "corp"),
            ("ada", "Gone", ScheduleState.DELETED, "corp"),
            ("ada", "Named after corp", ScheduleState.ACTIVE, "corp-2"),
            ("eve", "Theirs", ScheduleState.ACTIVE, "corp"),
        ):
            destinations = [{"channel": "folder", "connection": connection, "path": path} for path in ("a", "b")]
            spec = ScheduleSpec.model_validate({**samples.SCHEDULE, "name": name, "destinations": destinations})
            row = Schedule(id=new_id(), user_id=owner, state=state, created_at=NOW, updated_at=NOW)
            store_spec(row, spec)
            session.add(row)
            await session.flush()
            # As with each schedule that is written.
            await replace_destinations(session, row.id, spec.targets())
        seen = await uses.of_connection(session, "corp", viewer=Viewer("ada", Role.CREATOR))
        every = await uses.of_connection(session, "corp", viewer=SYSTEM)
        counted = await uses.counts(session)
    assert [(one.name, one.state) for one in seen.schedules] == [("Mine", "active"), ("Paused", "paused")]
    assert ([one.id for one in seen.reports], seen.more_schedules, seen.more_reports) == (["orders"], 1, 0)
    assert [one.name for one in every.schedules] == ["Mine", "Paused", "Theirs"]
    assert (every.count, every.more_schedules) == (4, 0)
    assert counted == {"corp": 4, "corp-2": 1}
    assert len(every.faults()) == 4
    assert seen.faults()[-1].field == "schedules"
