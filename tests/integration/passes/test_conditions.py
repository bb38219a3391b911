"""A run is sent by its schedule's condition, and says why where it is not."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import timedelta
from typing import Any

import pytest

from mailroom.access.viewer import SYSTEM
from mailroom.errors import Invalid
from mailroom.executions.conditions.spec import Condition
from mailroom.executions.reasons import ReasonCode
from mailroom.passes.conditions import withheld
from mailroom.passes.conditions.look_back import look_back
from mailroom.passes.outcome import Outcome
from mailroom.passes.work import Work
from mailroom.schedules.spec import read_spec
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.tables import Execution, Schedule
from tests.support.environment import Environment
from tests.support.samples import MAIL

ADA = {**MAIL, "to": ["ada@example.com"]}
SENT, SKIPPED, FAILED = ExecutionState.SUCCESS, ExecutionState.SKIPPED, ExecutionState.FAILED


def threshold(op: str, value: Any, rows: str = "any", *, column: str = "amount") -> dict[str, Any]:
    """Return the condition that an amount reaches a value."""
    return {
        "send_if": "threshold",
        "threshold": {"query": "orders", "column": column, "op": op, "value": value, "rows": rows},
    }


def change(environment: Environment, statement: str) -> None:
    """Change what the report reads."""
    path = environment.settings.data_dir.parent / "warehouse.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


async def run(
    environment: Environment, schedule: Schedule, kind: ExecutionKind = ExecutionKind.RUN_NOW, *, later: int = 0
) -> Outcome:
    """Make one whole run; `later` sets runs apart, whose due times are whole seconds."""
    execution = await environment.request(schedule, kind)
    async with environment.database.session() as session:
        row = await session.get(Execution, execution.id)
        assert row is not None
        row.due_at = execution.due_at + timedelta(seconds=later)
    result = await environment.run_pass(schedule, execution)
    assert isinstance(result, Outcome)
    return result


async def test_only_what_has_changed_is_sent(environment: Environment) -> None:
    schedule = await environment.create(destinations=[ADA], condition={"send_if": "changed"})
    assert (await run(environment, schedule)).state is SENT
    again = await run(environment, schedule, later=1)
    assert (again.state, again.reason.code) == (SKIPPED, ReasonCode.NOT_CHANGED)
    assert set(again.reason.values) == {"execution", "due_at"}
    change(environment, "UPDATE orders SET amount = 1300 WHERE region = 'EMEA'")
    assert (await run(environment, schedule, ExecutionKind.TEST, later=2)).state is SENT
    assert (await run(environment, schedule, later=3)).state is SENT
    assert (await run(environment, schedule, later=4)).reason.code is ReasonCode.NOT_CHANGED
    async with environment.database.session() as session:
        found = await look_back(session, schedule.id, Condition(send_if="changed"), viewer=SYSTEM)
    assert [one.sent for one in found] == [False, True, False, True]


async def test_what_nobody_got_was_not_delivered(environment: Environment) -> None:
    schedule = await environment.create(
        destinations=[ADA], condition={"send_if": "changed"}, policy={"max_attempts": 1}
    )
    environment.mail.data_breaks = True
    await run(environment, schedule)
    environment.mail.data_breaks = False
    assert (await run(environment, schedule, later=1)).state is SENT


_CASES: list[tuple[dict[str, Any], dict[str, Any] | None]] = [
    (threshold(">=", 1000), None),
    (threshold(">", 1200), {"extreme": "largest", "found": "1200", "op": ">", "value": "1200"}),
    (threshold(">", 1000, "all"), {"extreme": "smallest", "found": "900", "share": "all"}),
    (threshold("=", 1000), {"column": "amount"}),
    (threshold("=", "EMEA", column="region"), None),
    ({"send_if": "no_rows"}, {"rows": 2}),
    ({"send_if": "rows"}, None),
]


async def test_a_run_that_is_not_sent_says_why(environment: Environment) -> None:
    for number, (condition, reason) in enumerate(_CASES):
        schedule = await environment.create(name=f"Orders {number}", destinations=[ADA], condition=condition)
        found = await run(environment, schedule)
        assert found.state is (SENT if reason is None else SKIPPED), condition
        if reason is not None:
            assert reason.items() <= dict(found.reason.values).items()
    assert len(environment.mail.mails) == sum(reason is None for _, reason in _CASES)
    none = await environment.create(destinations=[ADA], parameters={"least": 5000}, condition={"send_if": "no_rows"})
    assert (await run(environment, none)).state is SENT


async def test_a_column_that_is_not_there_fails_and_is_then_refused(environment: Environment) -> None:
    wrong = threshold(">", 1, column="amonut")
    schedule = await environment.create(destinations=[ADA], condition=wrong)
    found = await run(environment, schedule)
    assert (found.state, found.reason.code) == (FAILED, ReasonCode.CONDITION_OPEN)
    assert "region, amount" in str(found.reason.values["error"])
    assert environment.mail.mails == []
    with pytest.raises(Invalid) as refused:
        await environment.create(destinations=[ADA], condition=wrong)
    assert [(fault.field, fault.code) for fault in refused.value.faults] == [
        ("condition.threshold.column", "no_column")
    ]


async def test_a_pass_that_broke_off_does_not_send_what_was_withheld(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = await environment.create(destinations=[ADA], condition={"send_if": "no_rows"})
    execution = await environment.request(schedule)
    run_id = "00000000-0000-0000-0000-000000000001"

    async def lost(*_arguments: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Work, "settle", lost)
        with pytest.raises(KeyboardInterrupt):
            await environment.run_pass(schedule, execution, run_id=run_id)
    later = environment.now() + timedelta(minutes=10)  # The lease of the first pass is over.
    result = await environment.run_pass(schedule, execution, run_id=run_id, now=later)
    assert isinstance(result, Outcome)
    assert (result.state, result.reason.code) == (SKIPPED, ReasonCode.HAS_ROWS)
    assert environment.mail.mails == []


async def test_schedules_with_thresholds_share_a_rendering(environment: Environment) -> None:
    conditions: list[dict[str, Any]] = [
        {"send_if": "always"},
        threshold(">", 1000),
        threshold("=", 900),
        {"send_if": "changed"},
    ]
    rows = [
        await environment.create(name=f"Orders {number}", destinations=[ADA], condition=one)
        for number, one in enumerate(conditions)
    ]
    at = environment.now().replace(microsecond=0)
    artifacts = set()
    for schedule in rows:
        execution = await environment.request(schedule)
        async with environment.database.session() as session:
            row = await session.get(Execution, execution.id)
            assert row is not None
            row.due_at = at
        result = await environment.run_pass(schedule, execution)
        assert isinstance(result, Outcome)
        assert result.state is SENT
        async with environment.database.session() as session:
            row = await session.get(Execution, execution.id)
            assert row is not None
            artifacts.add(tuple(row.artifact_ids))
    assert len(artifacts) == 1


async def test_what_shared_facts_do_not_say_is_looked_up(environment: Environment) -> None:
    change(
        environment,
        "INSERT INTO orders WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) "
        "SELECT 'EMEA', 2 * i + 10 FROM n",
    )
    at = environment.now().replace(microsecond=0)
    cases: list[tuple[dict[str, Any], ExecutionState]] = [
        ({"send_if": "always"}, SENT),
        (threshold("=", 50), SENT),
        (threshold("=", 51), SKIPPED),
    ]
    for number, (condition, state) in enumerate(cases):
        schedule = await environment.create(name=f"Orders {number}", destinations=[ADA], condition=condition)
        execution = await environment.request(schedule)
        async with environment.database.session() as session:
            row = await session.get(Execution, execution.id)
            assert row is not None
            row.due_at = at
        result = await environment.run_pass(schedule, execution)
        assert isinstance(result, Outcome)
        assert result.state is state, result.reason


async def test_past_runs_are_tried_on_other_conditions(environment: Environment) -> None:
    schedule = await environment.create(destinations=[ADA])
    for number, amount in enumerate((100, 1500, 1500)):
        change(environment, f"UPDATE orders SET amount = {amount} WHERE region = 'EMEA'")
        await run(environment, schedule, later=number)

    async def tried(condition: dict[str, Any]) -> list[bool | None]:
        async with environment.database.session() as session:
            wanted = Condition.model_validate(condition)
            return [one.sent for one in await look_back(session, schedule.id, wanted, viewer=SYSTEM)][::-1]

    assert await tried(threshold(">", 1000)) == [False, True, True]
    assert await tried({"send_if": "changed"}) == [True, True, False]
    assert await tried({"send_if": "no_rows"}) == [False, False, False]
    assert await tried(threshold("=", "EMEA", column="region")) == [None, None, None]  # Texts are not kept.
    assert await tried(threshold(">", 1, column="other")) == [None, None, None]


def test_the_older_name_stays_as_it_was_written() -> None:
    body: dict[str, Any] = {
        "name": "x",
        "report_id": "orders",
        "timing": {"frequency": "daily", "at": "09:00"},
        "formats": ["csv"],
    }
    body |= {"destinations": [{"channel": "folder", "connection": "shared", "path": "x"}]}
    spec = read_spec({**body, "condition": {"send_if": "not_empty"}})
    assert spec.condition.model_dump(mode="json") == {"send_if": "not_empty"}
    assert spec.condition.rule == "rows"
    assert withheld.heeds(Execution(kind=ExecutionKind.SCHEDULED))
