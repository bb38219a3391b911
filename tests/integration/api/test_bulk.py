"""The same to many schedules: each by itself, by ids or by filter, and once for a key."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller
from api.actions.schedules.bulk import MOST, BulkRequest, BulkResult, bulk
from api.http.idempotency import Once
from mailroom.access.service import ensure_default_user
from mailroom.access.viewer import SYSTEM
from mailroom.context import Context
from mailroom.schedules import repository as stored
from mailroom.states import ScheduleState
from mailroom.storage.tables import Execution, IdempotencyKey, Schedule

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


async def make(api: Api, body: dict[str, Any], *names: str) -> list[str]:
    """Store schedules of these names; return their ids."""
    return [(await api.json("POST", "/schedules/", 201, json={**body, "name": name}))["id"] for name in names]


async def states(api: Api, ids: list[str]) -> list[ScheduleState]:
    async with api.database.session() as session:
        rows = {row.id: row.state for row in await stored.by_ids(session, ids)}
    return [rows[one] for one in ids]


async def executions(api: Api) -> int:
    async with api.database.session() as session:
        return (await session.scalars(select(func.count()).select_from(Execution))).one()


async def test_one_that_fails_stops_no_other(offline: Api, schedule_body: dict[str, Any]) -> None:
    first, second, third = await make(offline, schedule_body, "First", "Second", "Third")
    await offline.json("POST", f"/schedules/{first}/pause", 200)
    async with offline.database.session() as session:
        (await stored.get(session, second, viewer=SYSTEM)).state = ScheduleState.FINISHED
    ids = [first, second, "nobody", third, third]
    answer = await offline.json("POST", "/schedules/bulk", 200, json={"action": "pause", "ids": ids})
    assert [(item["id"], item["outcome"]) for item in answer["items"]] == [
        (first, "unchanged"),
        (second, "failed"),
        ("nobody", "failed"),
        (third, "done"),
    ]
    assert [answer[name] for name in ("matched", "done", "unchanged", "failed")] == [4, 1, 1, 2]
    assert [item["problem"] and item["problem"]["status"] for item in answer["items"]] == [None, 409, 404, None]
    assert answer["items"][1]["problem"]["instance"] == f"/api/v1/schedules/{second}"
    assert await states(offline, [first, second, third]) == ["paused", "finished", "paused"]


async def test_a_schedule_that_nobody_can_read_any_more_stops_no_other(
    offline: Api, schedule_body: dict[str, Any]
) -> None:
    broken, whole = await make(offline, schedule_body, "Broken", "Whole")
    await offline.json("POST", "/schedules/bulk", 200, json={"action": "pause", "ids": [broken, whole]})
    async with offline.database.session() as session:
        (await stored.get(session, broken, viewer=SYSTEM)).schedule_config = {"frequency": "never"}
    answer = await offline.json("POST", "/schedules/bulk", 200, json={"action": "resume", "ids": [broken, whole]})
    assert [item["outcome"] for item in answer["items"]] == ["failed", "done"]
    assert answer["items"][0]["problem"]["error_id"]
    assert await states(offline, [broken, whole]) == ["paused", "active"]


async def test_a_dry_run_changes_nothing(offline: Api, schedule_body: dict[str, Any]) -> None:
    ids = await make(offline, schedule_body, "First", "Second")
    await offline.json("POST", f"/schedules/{ids[0]}/pause", 200)
    for action, outcomes in (
        ("pause", ["unchanged", "done"]),
        ("run", ["failed", "done"]),
        ("delete", ["done", "done"]),
    ):
        body = {"action": action, "ids": ids, "dry_run": True}
        answer = await offline.json("POST", "/schedules/bulk", 200, json=body, headers={"Idempotency-Key": action})
        assert answer["dry_run"] is True
        assert [item["outcome"] for item in answer["items"]] == outcomes
        assert [item["execution_id"] for item in answer["items"]] == [None, None]
    assert await states(offline, ids) == ["paused", "active"]
    assert await executions(offline) == 0
    events = await offline.json("GET", "/audit?entity_type=schedule", 200)
    assert sorted(event["action"] for event in events["items"]) == ["created", "created", "paused"]


async def test_by_filter(offline: Api, schedule_body: dict[str, Any]) -> None:
    ids = await make(offline, schedule_body, "Sales north", "Sales south", "Stock")
    body = {"action": "pause", "filter": {"search": "sales"}}
    answer = await offline.json("POST", "/schedules/bulk", 200, json=body)
    assert [item["name"] for item in answer["items"]] == ["Sales north", "Sales south"]
    assert await states(offline, ids) == ["paused", "paused", "active"]
    body = {"action": "delete", "filter": {"state": "paused", "report_id": "orders"}}
    assert (await offline.json("POST", "/schedules/bulk", 200, json=body))["done"] == 2
    assert await states(offline, ids) == ["deleted", "deleted", "active"]
    assert (await offline.json("POST", "/schedules/bulk", 200, json=body))["matched"] == 0


async def test_a_filter_that_matches_too_many_does_nothing(offline: Api, schedule_body: dict[str, Any]) -> None:
    (made,) = await make(offline, schedule_body, "One")
    async with offline.database.session() as session:
        row = await stored.get(session, made, viewer=SYSTEM)
        values = {column.key: getattr(row, column.key) for column in Schedule.__table__.columns}
        session.add_all([Schedule(**{**values, "id": f"copy-{number}"}) for number in range(MOST)])
    body = {"action": "delete", "filter": {"report_id": "orders"}}
    problem = await offline.json("POST", "/schedules/bulk", 422, json=body)
    assert problem["errors"][0]["field"] == "filter"
    assert await states(offline, [made]) == ["active"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "reassign", "ids": ["a"]}, "to"),
        ({"action": "pause", "ids": ["a"], "to": "b"}, "to"),
        ({"action": "explode", "ids": ["a"]}, "action"),
        ({"action": "pause"}, "ids"),
        ({"action": "pause", "ids": []}, "ids"),
        ({"action": "pause", "ids": ["a"] * (MOST + 1)}, "ids"),
        ({"action": "pause", "ids": [5]}, "ids.0"),
        ({"action": "pause", "ids": ["a"], "filter": {"state": "active"}}, "ids"),
        ({"action": "pause", "filter": {}}, "filter"),
        ({"action": "pause", "filter": {"state": "gone"}}, "filter.state"),
        ({"action": "pause", "filter": {"user_id": "a"}}, "filter.user_id"),
        ({"action": "pause", "ids": ["a"], "owner": "b"}, "owner"),
    ],
)
async def test_a_wrong_request_is_refused(offline: Api, body: dict[str, Any], field: str) -> None:
    problem = await offline.json("POST", "/schedules/bulk", 422, json=body)
    assert field in {error["field"] for error in problem["errors"]}


async def test_a_key_does_it_once(offline: Api, schedule_body: dict[str, Any]) -> None:
    ids = await make(offline, schedule_body, "First", "Second")
    body, key = {"action": "run", "ids": ids}, {"Idempotency-Key": "monday"}
    first = await offline.json("POST", "/schedules/bulk", 200, json=body, headers=key)
    assert await offline.json("POST", "/schedules/bulk", 200, json=body, headers=key) == first
    assert await executions(offline) == 2
    await offline.json("POST", "/schedules/bulk", 422, json={**body, "action": "pause"}, headers=key)
    async with offline.database.session() as session:
        assert [row.key for row in await session.scalars(select(IdempotencyKey))] == ["monday"]


async def test_one_that_broke_off_goes_on_where_it_stopped(offline: Api, schedule_body: dict[str, Any]) -> None:
    ids = await make(offline, schedule_body, "First", "Second")
    now = datetime.now(UTC)
    async with offline.database.session() as session:
        owner = await ensure_default_user(session, now, offline.settings)
    caller = Caller(offline.app.state.services, Context(user=owner, now=now, settings=offline.settings))
    once = Once(caller, "monday", "digest")
    wanted = BulkRequest(action="run", ids=ids)

    async def power_cut(_session: AsyncSession, _result: BulkResult) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await bulk(caller, wanted, power_cut, once.parts())
    assert await executions(offline) == 2
    again = await bulk(caller, wanted, parts=once.parts())
    assert await executions(offline) == 2
    async with offline.database.session() as session:
        stored_ids = set(await session.scalars(select(Execution.id)))
    assert {item.execution_id for item in again.items} == stored_ids
    other = await bulk(caller, wanted, parts=Once(caller, "tuesday", "digest").parts())
    assert len(other.items) == 2
    assert await executions(offline) == 4


async def test_prefect_follows(online: Api, prefect_server: str, schedule_body: dict[str, Any]) -> None:
    ids = await make(online, schedule_body, "First", "Second")

    async def paused() -> list[bool]:
        async with PrefectClient(prefect_server) as client:
            found = [
                await client.read_deployments(
                    deployment_filter=DeploymentFilter(tags=DeploymentFilterTags(all_=[f"schedule:{one}"]))
                )
                for one in ids
            ]
        return [deployment.paused for one in found for deployment in one]

    run = await online.json("POST", "/schedules/bulk", 200, json={"action": "run", "ids": ids})
    for item in run["items"]:
        execution = await online.json("GET", f"/executions/{item['execution_id']}", 200)
        assert execution["links"]["prefect"]
    await online.json("POST", "/schedules/bulk", 200, json={"action": "pause", "ids": ids})
    assert await paused() == [True, True]
    await online.json("POST", "/schedules/bulk", 200, json={"action": "resume", "filter": {"state": "paused"}})
    assert await paused() == [False, False]
    await online.json("POST", "/schedules/bulk", 200, json={"action": "delete", "ids": ids})
    assert await paused() == [True, True]
    undone = await online.json("POST", "/schedules/bulk", 200, json={"action": "undelete", "ids": ids})
    assert undone["done"] == 2
    assert await paused() == [False, False]
