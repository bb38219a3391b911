"""The states and the tables of allowed moves; who asks them, and what the docs show of them."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from mailroom.errors import Conflict
from mailroom.executions import delivery_lifecycle
from mailroom.executions import lifecycle as execution_lifecycle
from mailroom.executions.lifecycle import By
from mailroom.executions.reasons import ReasonCode, because
from mailroom.schedules import lifecycle as schedule_lifecycle
from mailroom.schedules.lifecycle import Cause
from mailroom.states import DeliveryState, ExecutionState, Moves, ScheduleState
from mailroom.storage.tables import Execution, Schedule
from scripts.states_page import PAGE, page

ROOT = Path(__file__).resolve().parents[3]
S, E, D = ScheduleState, ExecutionState, DeliveryState
SCHEDULES, EXECUTIONS = schedule_lifecycle.ALLOWED, execution_lifecycle.ALLOWED
DELIVERIES = delivery_lifecycle.ALLOWED
TABLES: list[tuple[Moves[Any, Any], type[StrEnum], type[StrEnum]]] = [
    (SCHEDULES, ScheduleState, Cause),
    (EXECUTIONS, ExecutionState, By),
    (DELIVERIES, DeliveryState, By),
]


@pytest.mark.parametrize(
    ("moves", "state"),
    [
        (EXECUTIONS, E.SUCCESS),
        (EXECUTIONS, E.SKIPPED),
        (EXECUTIONS, E.MISSED),
        (DELIVERIES, D.DELIVERED),
    ],
)
def test_some_states_are_final(moves: Moves[Any, Any], state: StrEnum) -> None:
    assert moves.table[state] == {}


def test_a_deleted_schedule_comes_back_by_an_undo_alone() -> None:
    assert set(SCHEDULES.table[S.DELETED]) == {*S} - {S.DELETED}
    assert {cause for causes in SCHEDULES.table[S.DELETED].values() for cause in causes} == {Cause.UNDELETE}


@pytest.mark.parametrize("ended", [E.PARTIAL, E.FAILED, E.CANCELLED])
def test_only_a_person_takes_up_an_execution_that_ended(ended: ExecutionState) -> None:
    assert set(EXECUTIONS.table[ended]) == {E.RUNNING}
    assert EXECUTIONS.allows(ended, E.RUNNING, By.PERSON)
    assert not EXECUTIONS.allows(ended, E.RUNNING, By.PLAN)


def test_the_plan_sends_again_what_failed_and_a_person_what_was_refused_or_suppressed() -> None:
    assert set(DELIVERIES.sources_of(D.SENDING, By.PLAN)) == {D.PENDING, D.UNKNOWN, D.FAILED}
    assert set(DELIVERIES.sources_of(D.SENDING, By.PERSON)) == {*D} - {D.SENDING, D.DELIVERED}


def test_a_finished_schedule_is_not_resumed_but_a_new_timing_makes_it_active() -> None:
    assert not SCHEDULES.allows(S.FINISHED, S.ACTIVE, Cause.RESUME)
    assert SCHEDULES.allows(S.FINISHED, S.ACTIVE, Cause.NEW_TIMING)


@pytest.mark.parametrize(("moves", "kind", "causes"), TABLES, ids=lambda value: getattr(value, "noun", ""))
def test_a_table_has_every_state_and_refuses_what_it_does_not_have(
    moves: Moves[Any, Any], kind: type[StrEnum], causes: type[StrEnum]
) -> None:
    assert set(moves.table) == set(kind)
    for now in kind:
        for cause in causes:
            moves.check(now, now, cause)
            for then in kind:
                if then is not now and cause not in moves.table[now].get(then, ()):
                    with pytest.raises(Conflict):
                        moves.check(now, then, cause)


@pytest.mark.parametrize("ended", [E.SUCCESS, E.FAILED, E.SKIPPED])
def test_an_execution_that_has_ended_moves_nowhere_that_the_table_does_not_name(ended: ExecutionState) -> None:
    execution = Execution(status=ended)
    with pytest.raises(Conflict):
        execution_lifecycle.cancel(
            execution, because(ReasonCode.OWNER_INACTIVE), schedule=Schedule(), now=datetime(2026, 11, 26, tzinfo=UTC)
        )
    assert execution.status is ended


@pytest.mark.parametrize(("moves", "kind", "causes"), TABLES, ids=lambda value: getattr(value, "noun", ""))
def test_every_state_can_be_reached_and_is_explained(
    moves: Moves[Any, Any], kind: type[StrEnum], causes: type[StrEnum]
) -> None:
    reached = [next(iter(kind))]
    for state in reached:
        reached += [then for then in moves.table[state] if then not in reached]
    assert set(reached) == set(kind)
    assert {cause for now in kind for by in moves.table[now].values() for cause in by} == set(causes)
    for state in kind:
        assert f"{state.value}: " in " ".join((kind.__doc__ or "").split()), f"{state} is not explained"


def test_the_docs_draw_the_tables() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"


LIFECYCLES = {
    *("executions/lifecycle.py", "executions/delivery_lifecycle.py", "schedules/lifecycle.py"),
    "product_events/lifecycle.py",
}
NOT_STORED = {"passes/planned/sample.py", "passes/direct/work.py"}
"""They make the parcels of a preview, and of a run without a database, of executions that no session ever gets."""


def changes(text: str) -> list[str]:
    """Return what changes a state of a row, or makes an execution. `self` is no row."""
    return [ast.unparse(node) for node in ast.walk(ast.parse(text)) if _changes(node)]


def _changes(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(value=ast.expr() as row, attr="status" | "state", ctx=ast.Store()):
            return ast.unparse(row) != "self"
        case ast.Call(func=ast.Attribute(attr="values"), keywords=named):
            return any(one.arg in ("status", "state") for one in named)
        case ast.Call(func=ast.Name(id="Execution")):
            return True
        case ast.Call(func=ast.Name(id="insert" | "insert_into"), args=given):
            return any(ast.unparse(one) == "Execution" for one in given)
    return False


def test_a_state_changes_and_an_execution_is_made_in_a_lifecycle_only() -> None:
    rooms = ("mailroom", "deployments", "api", "cli", "embedded", "flows")
    files = [file for room in rooms for file in sorted((ROOT / room).rglob("*.py"))]
    allowed = LIFECYCLES | NOT_STORED
    others = [file for file in files if not any(str(file).endswith(f"mailroom/{name}") for name in allowed)]
    assert len(files) - len(others) == len(allowed)
    found = {str(file.relative_to(ROOT)): changes(file.read_text()) for file in others}
    assert {file: lines for file, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line",
    [
        "execution.status = ExecutionState.FAILED",
        'execution.status, execution.reason = ExecutionState.CANCELLED, ""',
        "update(Delivery).values(status=DeliveryState.FAILED)",
        "update(Delivery).where(a == b).values(error_message=x, status=DeliveryState.FAILED)",
        "schedule.state, schedule.is_active = state, True",
        "row = Execution(schedule_id=schedule.id)",
        "insert_into(session, Execution)",
    ],
)
def test_the_search_sees_a_change(line: str) -> None:
    assert changes(line)
