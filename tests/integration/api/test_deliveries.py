"""Deliveries are found by what is known of them, and tried again by the same filter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from sqlalchemy import text

from mailroom.executions import repository as executions
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.tables import Delivery

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

D, E = DeliveryState, ExecutionState
BASE = datetime(2026, 11, 23, 9, tzinfo=UTC)


async def _ended(api: Api, schedule_id: str, state: ExecutionState, *states: DeliveryState, hour: int = 0) -> str:
    """Make an execution that has ended so, with deliveries to ada, bob, … planned at that hour."""
    run = await api.json("POST", f"/schedules/{schedule_id}/run", 202)
    at = BASE + timedelta(hours=hour)
    async with api.database.session() as session:
        row = await executions.get(session, run["id"])
        row.status, row.completed_at = state, at + timedelta(minutes=1)
        for position, (name, status) in enumerate(zip(("ada", "bob", "cy"), states, strict=False)):
            session.add(
                Delivery(
                    execution_id=row.id,
                    position=position,
                    channel="email",
                    connection="corp-smtp" if position else "shared",
                    recipient=f"{name}@example.com",
                    key=f"{row.id}-{position}",
                    destination={},
                    status=status,
                    created_at=at,
                )
            )
    return str(run["id"])


async def _two(api: Api, body: dict[str, Any]) -> tuple[str, str]:
    made = [await api.json("POST", "/schedules/", 201, json={**body, "name": name}) for name in ("one", "two")]
    return made[0]["id"], made[1]["id"]


async def test_they_are_filtered_and_paged(either: Api, schedule_body: dict[str, Any]) -> None:
    one, two = await _two(either, schedule_body)
    first = await _ended(either, one, E.PARTIAL, D.DELIVERED, D.REFUSED, D.FAILED)
    second = await _ended(either, two, E.SUCCESS, D.DELIVERED, D.DELIVERED, hour=1)

    async def found(query: str) -> list[tuple[str, str]]:
        rows = (await either.json("GET", f"/deliveries?{query}", 200))["items"]
        return sorted((row["execution_id"], row["recipient"].split("@")[0]) for row in rows)

    def of(execution: str, *names: str) -> list[tuple[str, str]]:
        return [(execution, name) for name in names]

    assert await found("") == sorted(of(first, "ada", "bob", "cy") + of(second, "ada", "bob"))
    assert await found("state=refused") == of(first, "bob")
    assert await found("state=delivered") == sorted(of(first, "ada") + of(second, "ada", "bob"))
    assert await found("recipient=bob@example.com") == sorted(of(first, "bob") + of(second, "bob"))
    assert await found(f"connection=corp-smtp&schedule={two}") == of(second, "bob")
    middle = quote((BASE + timedelta(minutes=30)).isoformat())
    assert await found(f"from={middle}") == of(second, "ada", "bob")
    assert await found(f"until={middle}&state=failed") == of(first, "cy")

    page = await either.json("GET", "/deliveries?limit=2", 200)
    assert {row["schedule_name"] for row in page["items"]} == {"two"}
    rest = await either.json("GET", f"/deliveries?limit=10&cursor={page['next_cursor']}", 200)
    assert ({row["execution_id"] for row in rest["items"]}, rest["next_cursor"]) == ({first}, None)


async def test_a_dry_run_counts_and_changes_nothing(either: Api, schedule_body: dict[str, Any]) -> None:
    one, two = await _two(either, schedule_body)
    failed = await _ended(either, one, E.FAILED, D.FAILED, D.UNKNOWN)
    await _ended(either, two, E.RETRYING, D.FAILED)
    await _ended(either, two, E.SUCCESS, D.DELIVERED)
    body = {"connection": "shared", "dry_run": True}
    counted = await either.json("POST", "/deliveries/retry", 202, json=body)
    assert (counted["executions"], counted["deliveries"], counted["not_ended"]) == (1, 1, 1)
    assert [one["execution_id"] for one in counted["asked"]] == [failed]
    assert (await either.json("GET", f"/executions/{failed}", 200))["retry_requested_at"] is None
    assert (await either.json("GET", "/audit?entity_type=execution", 200))["items"] == []


async def test_each_execution_is_asked_for_once_and_the_others_are_named(
    either: Api, schedule_body: dict[str, Any]
) -> None:
    one, two = await _two(either, schedule_body)
    wanted = [await _ended(either, one, E.PARTIAL, D.DELIVERED, D.REFUSED, D.FAILED, hour=hour) for hour in (0, 1)]
    paused = await _ended(either, two, E.FAILED, D.FAILED, hour=2)
    expired = await _ended(either, one, E.FAILED, D.FAILED, hour=3)
    async with either.database.session() as session:
        row = await executions.get(session, expired)
        row.plan = {
            "report_id": "orders",
            "report_title": "Orders",
            "report_version": "1",
            "data_window": None,
            "schedule_name": "one",
            "timezone": "UTC",
            "parameters": {},
            "renderings": ["gone"],
        }
    await either.json("POST", f"/schedules/{two}/pause", 200)
    body = {"from": BASE.isoformat()}
    answer = await either.json("POST", "/deliveries/retry", 202, json=body)
    assert sorted(one["execution_id"] for one in answer["asked"]) == sorted(wanted)
    assert (answer["executions"], answer["deliveries"], answer["next_cursor"]) == (2, 4, None)
    left = {one["execution_id"]: one for one in answer["left_out"]}
    assert set(left) == {paused, expired}
    assert all(one["message"] and one["remedy"] for one in left.values())
    for execution in wanted:
        assert (await either.json("GET", f"/executions/{execution}", 200))["retry_requested_at"] is not None
    events = (await either.json("GET", "/audit?entity_type=execution", 200))["items"]
    assert sorted(event["entity_id"] for event in events) == sorted(wanted)
    again = await either.json("POST", "/deliveries/retry", 202, json=body)
    assert (again["executions"], {one["execution_id"] for one in again["left_out"]}) == (0, {paused, expired})
    await either.json("POST", f"/executions/{expired}/retry", 409)


@pytest.mark.parametrize(
    "body", [{}, {"dry_run": True}, {"state": "delivered"}, {"state": "lost"}, {"from": "0001-01-01T00:00:00+23:00"}]
)
async def test_a_filter_that_means_everything_or_nothing_is_refused(offline: Api, body: dict[str, Any]) -> None:
    problem = await offline.json("POST", "/deliveries/retry", 422, json=body)
    assert problem["errors"][0]["field"]


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("1", "ix_deliveries_created_at_id"),
        ("deliveries.status = 'failed'", "ix_deliveries_status_created_at_id"),
        ("deliveries.recipient = 'ada@example.com'", "ix_deliveries_recipient_created_at_id"),
    ],
)
async def test_a_page_is_read_in_the_order_of_an_index(offline: Api, condition: str, index: str) -> None:
    query = (
        "EXPLAIN QUERY PLAN SELECT * FROM deliveries JOIN schedule_executions e ON e.id = deliveries.execution_id "
        f"WHERE {condition} ORDER BY deliveries.created_at DESC, deliveries.id DESC LIMIT 51"  # constants
    )
    async with offline.database.session() as session:
        steps = " ".join(str(row) for row in await session.execute(text(query)))
    assert index in steps, steps
    assert "TEMP B-TREE" not in steps, "nothing is sorted"
