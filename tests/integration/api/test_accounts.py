"""Backfill and the proof over REST, without Prefect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from mailroom.access.viewer import SYSTEM
from mailroom.executions import repository as executions
from mailroom.ledger import repository as ledger
from mailroom.schedules.watchdog import look
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.database import new_id
from mailroom.storage.tables import Execution, Schedule
from tests.integration.api.conftest import SCHEDULE

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

DAY = timedelta(days=1)


async def _schedule(api: Api, **changes: Any) -> str:
    made = await api.json("POST", "/schedules/", 201, json={**SCHEDULE, **changes})
    return str(made["id"])


def _range(first: int, last: int, **more: Any) -> dict[str, Any]:
    """Return a range that begins and ends so many days ago, as the schedule counts days at this moment."""
    today = datetime.now(ZoneInfo("Europe/Berlin")).date()
    return {"from": str(today - first * DAY), "until": str(today - last * DAY), **more}


async def test_a_dry_run_tells_and_stores_nothing(offline: Api) -> None:
    schedule = await _schedule(offline)
    body = _range(7, 3, dry_run=True)
    plan = await offline.json("POST", f"/schedules/{schedule}/backfill", 202, json=body)
    assert len(plan["due"]) == 5
    assert plan["due"] == sorted(plan["due"])
    assert plan["executions"] == []
    history = await offline.json("GET", f"/schedules/{schedule}/history", 200)
    assert history["items"] == []


async def test_a_backfill_goes_in_order_and_is_marked(offline: Api) -> None:
    schedule = await _schedule(offline)
    url, key = f"/schedules/{schedule}/backfill", {"Idempotency-Key": "once"}
    plan = await offline.json("POST", url, 202, json=_range(5, 3), headers=key)
    again = await offline.json("POST", url, 202, json=_range(5, 3), headers=key)
    assert again == plan, "the same request is answered again and not done again"
    history = await offline.json("GET", f"/schedules/{schedule}/history?kind=backfill", 200)
    assert [row["due_at"] for row in reversed(history["items"])] == plan["due"]
    trail = await offline.json("GET", f"/audit?entity_type=schedule&entity_id={schedule}", 200)
    assert trail["items"][0]["action"] == "backfill"
    # One after the other: the first has its turn, and while it runs nobody else.
    for state, turn in (
        (ExecutionState.PENDING, [0]),
        (ExecutionState.RUNNING, []),
        (ExecutionState.RETRYING, [1]),
        (ExecutionState.SUCCESS, [1]),
    ):
        async with offline.database.session() as session:
            row = await executions.get(session, plan["executions"][0])
            row.status, row.flow_run_id = state, None if state is ExecutionState.PENDING else "x"
            await session.flush()
            ready = [one.id for one in await executions.unsubmitted(session, schedule_id=schedule)]
        assert ready == [plan["executions"][index] for index in turn], state
    more = await offline.json("POST", url, 202, json=_range(6, 3))
    assert len(more["due"]) == 1
    assert [one["reason"] for one in more["left_out"]] == [
        "Its execution ended as success.",
        "Its execution is pending.",
        "Its execution is pending.",
    ]
    async with offline.database.session() as session:
        (await executions.get(session, plan["executions"][1])).status = ExecutionState.SUCCESS
    repeated = await offline.json("POST", url, 202, json=_range(5, 3, again=True, dry_run=True))
    assert repeated["due"] == plan["due"][:2]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ((3, -1), "until"),
        ((2, 3), "from"),
        ((400, 1), "from"),
        ({"from": "0001-01-01", "until": "2026-01-01"}, "from"),
        ({"from": "2026-01-01", "until": "9999-12-31"}, "until"),
        ({"from": "0001-01-01T00:00:00+14:00", "until": "2026-01-01"}, "from"),
    ],
)
async def test_a_wrong_range_is_refused_with_its_field(
    offline: Api, given: tuple[int, int] | dict[str, str], field: str
) -> None:
    schedule = await _schedule(offline)
    body = given if isinstance(given, dict) else _range(*given)  # Not when it is collected: midnight may lie between.
    problem = await offline.json("POST", f"/schedules/{schedule}/backfill", 422, json=body)
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_a_paused_schedule_is_not_backfilled_and_a_pause_ends_one(offline: Api) -> None:
    schedule = await _schedule(offline)
    await offline.json("POST", f"/schedules/{schedule}/backfill", 202, json=_range(5, 4))
    await offline.json("POST", f"/schedules/{schedule}/pause", 200)
    history = await offline.json("GET", f"/schedules/{schedule}/history", 200)
    assert {row["status"] for row in history["items"]} == {"skipped"}
    await offline.json("POST", f"/schedules/{schedule}/backfill", 409, json=_range(5, 4))


async def test_the_proof_names_what_is_not_accounted_for(offline: Api) -> None:
    schedule = await _schedule(offline)
    now = datetime.now(UTC)
    async with offline.database.session() as session:
        row = await session.get(Schedule, schedule)
        assert row is not None
        row.updated_at = row.accounted_until = now - 3 * DAY
        row.next_run = now - 2 * DAY
    found = await offline.json("GET", "/stats", 200)
    assert (found["due"], found["accounted"], found["unaccounted"]) == (1, 0, 1)
    assert found["missing"][0]["schedule_id"] == schedule
    await look(offline.database, now=now)
    since = {"since": (now - 3 * DAY).isoformat()}
    found = await offline.json("GET", "/stats", 200, params=since)
    assert found["due"] == found["accounted"] == sum(found["by_state"].values())
    assert (found["unaccounted"], found["missing"]) == (0, [])
    async with offline.database.session() as session:
        rows = await session.scalars(select(Execution).where(Execution.kind == ExecutionKind.SCHEDULED))
        assert len(list(rows)) == found["due"]
    await offline.json("GET", "/stats", 422, params={"since": (now - 60 * DAY).isoformat()})


async def test_samples_are_in_no_account_and_in_no_figure(offline: Api) -> None:
    kept, sample = await _schedule(offline), await _schedule(offline, name="Sample")
    now = datetime.now(UTC)
    async with offline.database.session() as session:
        (await session.get_one(Schedule, sample)).is_sample = True
        for schedule_id in (kept, sample):
            row = Execution(id=new_id(), schedule_id=schedule_id, due_at=now, created_at=now)
            row.kind, row.status = ExecutionKind.SCHEDULED, ExecutionState.FAILED
            session.add(row)
    async with offline.database.session() as session:
        active = await ledger.active_page(session, viewer=SYSTEM, beyond="", limit=10)
        counted = await ledger.counts(session, viewer=SYSTEM, since=now - DAY, until=now + DAY)
    assert [row[0] for row in active] == [kept]
    assert counted == {ExecutionState.FAILED: 1}
