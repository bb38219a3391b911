"""A ledger that the first version of the tables left behind, with work in every state, is opened and ends well.

`before/ledger_0001.json` was written by that version's own passes against a mail server. Each schedule in it is named
after the story of its one execution, except `waiting`, which has three.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from sqlalchemy import Connection, DateTime, MetaData, Table, select, update

from mailroom.executions import lifecycle
from mailroom.rendering.service import render_request
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules.spec import stored_spec
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.database import Database
from mailroom.storage.migrations import alembic_config, upgrade
from mailroom.storage.tables import Attempt, Delivery, Execution, Rendering, Report, Schedule

if TYPE_CHECKING:
    from tests.support.environment import Environment

BEFORE: dict[str, Any] = json.loads((Path(__file__).parent / "before/ledger_0001.json").read_text())
SHIFT = timedelta(hours=(datetime.now(UTC) - datetime.fromisoformat(BEFORE["made_at"])) // timedelta(hours=1))
"""How long ago it was written. Whole hours, since schedules in it fire hourly."""
ADA, BOB = "ada@example.com", "bob@example.com"
_E, _D = ExecutionState, DeliveryState


def _fill(connection: Connection) -> None:
    """Make the first version's tables, and store its rows as if they had been written within the last hour."""
    command.upgrade(alembic_config(connection), "0001")
    metadata = MetaData()
    metadata.reflect(connection)
    for name, rows in BEFORE["tables"].items():
        table = metadata.tables[name]
        # One by one, since what is NULL in a row is not named in it.
        for row in rows:
            connection.execute(table.insert().values(_shifted(table, row)))


def _shifted(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    times = {column.name for column in table.columns if isinstance(column.type, DateTime)}
    return {name: datetime.fromisoformat(value) + SHIFT if name in times else value for name, value in row.items()}


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """Make the database of before and bring it to the newest version, once on SQLite and once on Postgres."""
    sqlite = f"sqlite+aiosqlite:///{tmp_path / 'mailroom.db'}"
    database = Database(sqlite if request.param == "sqlite" else request.getfixturevalue("fresh_postgres"))
    async with database.engine.begin() as connection:
        await connection.run_sync(_fill)
    await upgrade(database)
    yield database
    await database.close()


async def _stories(environment: Environment) -> dict[str, list[tuple[Schedule, Execution]]]:
    query = select(Schedule, Execution).join(Execution, Execution.schedule_id == Schedule.id).order_by(Execution.due_at)
    stories: dict[str, list[tuple[Schedule, Execution]]] = {}
    async with environment.database.session() as session:
        for schedule, execution in await session.execute(query):
            stories.setdefault(schedule.name, []).append((schedule, execution))
    return stories


async def _outcomes(environment: Environment) -> dict[str, list[ExecutionState]]:
    stories = await _stories(environment)
    return {name: [execution.status for _, execution in rows] for name, rows in stories.items()}


async def _open(environment: Environment) -> None:
    """Bring back the files that lay beside the database, and its report, which the environment has replaced."""
    async with environment.database.session() as session:
        for report in BEFORE["tables"]["reports"]:
            changed = {name: report[name] for name in ("title", "version", "definition")}
            await session.execute(update(Report).where(Report.id == report["id"]).values(changed))
    for name, content in BEFORE["files"].items():
        file = environment.settings.artifacts_dir / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(base64.b64decode(content))
    await _follow_the_shift(environment)


async def _follow_the_shift(environment: Environment) -> None:
    """Let renderings be found by the shifted due times, which are a part of their keys."""
    async with environment.database.session() as session:
        definition = ReportDefinition.model_validate(BEFORE["tables"]["reports"][0]["definition"])
        for schedule, execution in [row for rows in (await _stories(environment)).values() for row in rows]:
            spec, due_at = stored_spec(schedule), execution.due_at
            then, now = (
                render_request(definition, spec.parameters, spec.formats, moment, spec.timing.timezone)
                for moment in (due_at - SHIFT, due_at)
            )
            for piece in now.pieces:
                found = update(Rendering).where(Rendering.key == then.key(piece))
                await session.execute(found.values(key=now.key(piece)))


async def _pass(environment: Environment, schedule: Schedule, execution: Execution, now: datetime) -> None:
    asked = None if execution.kind is ExecutionKind.SCHEDULED else execution
    await environment.run_pass(schedule, asked, run_id=execution.flow_run_id, at=execution.due_at, now=now)


async def test_the_ledger_of_before_holds_every_state() -> None:
    """So that a file written anew cannot leave one out without a word."""
    tables = BEFORE["tables"]
    assert {row["status"] for row in tables["schedule_executions"]} == set(ExecutionState)
    assert {row["status"] for row in tables["deliveries"]} | {_D.PENDING} == set(DeliveryState)


async def test_what_had_not_ended_ends_well_and_what_had_stays(environment: Environment) -> None:
    await _open(environment)
    before = await _outcomes(environment)
    await environment.due_now()
    later = environment.now() + timedelta(minutes=5)
    for name in ("retrying", "unknown", "running", "pending", "waiting"):
        for schedule, execution in (await _stories(environment))[name]:
            if not execution.status.ended:
                await _pass(environment, schedule, execution, later)
    unfinished = {name: [_E.SUCCESS] for name in ("retrying", "unknown", "running", "pending")}
    assert await _outcomes(environment) == {**before, **unfinished, "waiting": [_E.MISSED, _E.SUCCESS, _E.SUCCESS]}
    # Ada's was confirmed in three of the stories, and is not sent again; bob's were not.
    assert Counter(environment.mail.taken()) == {ADA: 3, BOB: 6}
    async with environment.database.session() as session:
        assert not [row for row in await session.scalars(select(Delivery)) if row.status in (_D.SENDING, _D.UNKNOWN)]
        assert all(row.outcome for row in await session.scalars(select(Attempt)))


async def test_a_person_may_retry_what_had_ended_without_its_mail(environment: Environment) -> None:
    await _open(environment)
    stories = await _stories(environment)
    for name in ("partial", "failed", "cancelled"):
        ((schedule, execution),) = stories[name]
        assert lifecycle.ALLOWED.allows(execution.status, _E.RUNNING, lifecycle.By.PERSON)
        await _pass(environment, schedule, execution, environment.now())
    outcomes = await _outcomes(environment)
    assert [outcomes[name] for name in ("partial", "failed", "cancelled")] == [[_E.SUCCESS]] * 3
    assert Counter(environment.mail.taken()) == {ADA: 2, BOB: 3}


async def test_what_had_ended_for_good_is_never_sent_again(environment: Environment) -> None:
    await _open(environment)
    stories = await _stories(environment)
    before = await _outcomes(environment)
    for name in ("success", "skipped"):
        for schedule, execution in stories[name]:
            await _pass(environment, schedule, execution, environment.now())
    assert await _outcomes(environment) == before
    assert environment.mail.taken() == []
