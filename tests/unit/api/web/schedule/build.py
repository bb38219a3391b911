"""Make what the pages of a schedule are made of, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from api.actions.schedule.page import Brief, SchedulePage
from api.actions.schedules.views import ScheduleView, SyncView
from api.actions.view import PageView
from api.web.schedule.rights import Rights
from api.web.when import When, locale_of, zone_of
from mailroom.executions.overview import Deliveries
from mailroom.schedules.forecast import forecast
from mailroom.schedules.overview.figures import Figures
from mailroom.schedules.overview.look import Look, Past, Surroundings
from mailroom.schedules.overview.reach import reach_of
from mailroom.schedules.spec import ScheduleSpec
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState, SyncState
from mailroom.storage.tables import AuditEvent, Execution, Report, User
from mailroom.timing import BusinessCalendar
from mailroom.timing.words import sentence

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
WHEN = When(zone_of("Europe/Berlin"), locale_of("en-GB"), hours24=True, now=NOW)
ALL = Rights(*[True] * 11)
NONE = Rights(*[False] * 11)
SPEC = ScheduleSpec.model_validate(
    {
        "name": "Punctuality",
        "report_id": "carriers",
        "timing": {"frequency": "weekly", "days": ["mon"], "at": "09:00", "timezone": "Europe/Berlin"},
        "parameters": {"region": "EMEA"},
        "formats": ["pdf", "xlsx"],
        "destinations": [
            {"channel": "email", "connection": "smtp", "to": ["ada@example.com", "bob@example.com"]},
            {"channel": "folder", "connection": "shared", "path": "{date}.{ext}"},
        ],
    }
)


def spec(**changes: Any) -> ScheduleSpec:
    """Return the schedule with other settings."""
    return ScheduleSpec.model_validate({**SPEC.model_dump(mode="json"), **changes})


def schedule(state: ScheduleState = ScheduleState.ACTIVE, of: ScheduleSpec = SPEC, **changes: Any) -> ScheduleView:
    """Return the view of a schedule."""
    values: dict[str, Any] = {
        **of.model_dump(mode="json"),
        "id": "s-1",
        "owner": "u-1",
        "state": state,
        "next_runs": [],
        "last_run": None,
        "sync": SyncView(state=SyncState.SYNCED, generation=3, observed_generation=3),
        "warnings": [],
        "etag": '"3"',
        "created_at": NOW,
        "updated_at": NOW,
        "delete_after": None,
        "links": {},
    }
    return ScheduleView.model_validate(values | changes)


def around(**changes: Any) -> Surroundings:
    """Return an owner and a report."""
    owner = User(id="u-1", name="Ada", email="ada@example.com", is_active=True)
    return replace(Surroundings(owner, Report(id="carriers", title="Carrier punctuality")), **changes)


def brief(view: ScheduleView | None = None, of: ScheduleSpec = SPEC, **changes: Any) -> Brief:
    """Return what each page says of a schedule."""
    made = Brief(view or schedule(of=of), of, sentence(of.timing), reach_of(of), around(), due_soon=1)
    return replace(made, **changes)


def past(*states: ExecutionState, delivered: int = 0, total: int = 0, error: str = "") -> list[Past]:
    """Return executions of the last days, the latest last; the counts and the error are of that one."""
    rows = []
    for number, state in enumerate(states):
        row = Execution(id=f"e-{number}", kind=ExecutionKind.SCHEDULED, status=state)
        row.due_at = NOW - timedelta(days=len(states) - number)
        rows.append(Past(row, Deliveries()))
    if rows:
        rows[-1].execution.error_message = error or None
        rows[-1] = Past(rows[-1].execution, Deliveries(delivered, total))
    return rows


def event(action: str, *, at: datetime = NOW, actor: str = "ada@example.com", **detail: Any) -> AuditEvent:
    """Return an entry of the schedule's audit trail."""
    return AuditEvent(action=action, at=at, actor=actor, entity_type="schedule", entity_id="s-1", detail=detail)


def page(
    of: Brief | None = None, rows: Sequence[Past] = (), events: Sequence[AuditEvent] = (), **changes: Any
) -> SchedulePage:
    """Return what the page of a schedule is made of."""
    found = of or brief()
    active = found.schedule.state is ScheduleState.ACTIVE
    ahead = forecast(found.spec.timing, BusinessCalendar(), now=NOW, count=10) if active else None
    look = Look(found.around, rows, [one for one in rows if one.execution.status.ended], Figures(), under_way=False)
    made = SchedulePage(found, look, ahead, PageView(items=[], next_cursor=None), tuple(events))
    return replace(made, **changes)
