"""Events of the audit trail and of notifications: what is kept of each, whoever writes it."""

from __future__ import annotations

import ast
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailroom.audit import events as audited
from mailroom.notifications import events as told
from mailroom.states import ExecutionState

ROOT = Path(__file__).resolve().parents[3]
DUE = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event", "entity", "action", "detail"),
    [
        (audited.SchedulePaused("s-1", "active"), "schedule", "paused", {"was": "active"}),
        (audited.ScheduleFinished("s-1"), "schedule", "finished", {}),
        (audited.ScheduleRunNow("s-1", "e-1"), "schedule", "run_now", {"execution": "e-1"}),
        (
            audited.ScheduleBackfilled("s-1", DUE, DUE, again=True, count=1),
            "schedule",
            "backfill",
            {"from": "2026-11-23T09:00:00+00:00", "until": "2026-11-23T09:00:00+00:00", "again": True, "count": 1},
        ),
        (
            audited.ScheduleDriftRepaired("s-1", {"cron": ["a", "b"]}),
            "schedule",
            "drift repaired",
            {"cron": ["a", "b"]},
        ),
        (audited.CalendarChanged("office", {}, 2), "calendar", "changed", {"changes": {}, "schedules": 2}),
        (
            audited.ConnectionCreated("smtp", "email", ["host"]),
            "connection",
            "created",
            {"kind": "email", "fields": ["host"]},
        ),
        (
            audited.ReportUpdated("orders", "v2", {"title": ["Orders", "All orders"]}),
            "report",
            "updated",
            {"version": "v2", "changes": {"title": ["Orders", "All orders"]}},
        ),
    ],
)
def test_an_event_is_kept_with_its_own_fields(
    event: audited.Event, entity: str, action: str, detail: dict[str, object]
) -> None:
    assert (event.entity_type, event.action, event.detail()) == (entity, action, detail)
    assert json.loads(json.dumps(event.detail())) == detail


@pytest.mark.parametrize(("state", "severity"), [(ExecutionState.FAILED, "error"), (ExecutionState.PARTIAL, "warning")])
def test_nothing_delivered_is_an_error_and_something_a_warning(state: ExecutionState, severity: str) -> None:
    event = told.ExecutionFailed("u-1", "s-1", "Orders", "e-1", state, "1 of 2 delivered.")
    assert (event.severity, event.title, event.body) == (severity, f"Orders: {state}", "1 of 2 delivered.")


def test_one_notification_tells_of_many_missed_due_times() -> None:
    one = told.DueTimesMissed("u-1", "s-1", "Orders", 1, DUE, DUE, "Too late.")
    many = told.DueTimesMissed("u-1", "s-1", "Orders", 3, DUE, DUE.replace(hour=11), "Too late.")
    assert "Mon 23 Nov 2026, 09:00 UTC" in one.body
    assert many.body.startswith("3 ")
    assert "Mon 23 Nov 2026, 11:00 UTC" in many.body


def test_rows_are_made_of_events_only() -> None:
    """Nobody else builds a row of the audit trail or a notification."""
    makers = {
        str(file.relative_to(ROOT))
        for room in ("mailroom", "deployments", "api", "cli", "embedded", "flows")
        for file in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("AuditEvent", "Notification")
    }
    assert makers == {"mailroom/audit/repository.py", "mailroom/notifications/service.py"}
