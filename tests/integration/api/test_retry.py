"""Another try of an execution that has ended: what was undelivered is delivered, and nothing twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Failed, Running

from deployments.reconcile import Reconciler
from mailroom.executions import repository as executions
from mailroom.passes.claim import FlowRunFacts
from mailroom.passes.outcome import Outcome
from mailroom.passes.work import Begun, Work
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.tables import Delivery, Execution

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


async def ended(api: Api, execution_id: str, state: ExecutionState, *deliveries: DeliveryState) -> None:
    """Let the execution have ended a minute ago, with these deliveries."""
    now = datetime.now(UTC)
    async with api.database.session() as session:
        row = await executions.get(session, execution_id)
        row.status, row.reason, row.completed_at = state, "As the test says.", now - timedelta(minutes=1)
        for position, status in enumerate(deliveries):
            session.add(
                Delivery(
                    execution_id=execution_id,
                    position=position,
                    channel="folder",
                    connection="shared",
                    recipient=f"file-{position}",
                    key=f"{execution_id}-{position}",
                    destination={},
                    status=status,
                    created_at=now,
                )
            )


async def stored(api: Api, execution_id: str) -> Execution:
    async with api.database.session() as session:
        return await executions.get(session, execution_id)


async def flow_run(api: Api, execution_id: str) -> FlowRun:
    run_id = (await stored(api, execution_id)).flow_run_id
    assert run_id is not None
    async with PrefectClient(api.settings.prefect_api) as client:
        return await client.read_flow_run(UUID(run_id))


async def run_pass(api: Api, execution: Execution) -> Outcome:
    """Make one whole pass, as the flow makes it."""
    assert execution.flow_run_id is not None
    work = Work(api.database, api.settings, FlowRunFacts(execution.flow_run_id, datetime.now(UTC), scheduled=False))
    begun = await work.begin(execution.schedule_id, execution.id)
    assert isinstance(begun, Begun)
    made = await work.render(begun)
    result = made if isinstance(made, Outcome) else await work.deliver(begun, made)
    return await work.settle(begun, result)


async def test_only_what_is_missing_is_delivered(online: Api, schedule_body: dict[str, Any], tmp_path: Path) -> None:
    online.settings.artifacts_dir.mkdir(parents=True)
    other = {"name": "other", "kind": "folder", "settings": {"root": str(tmp_path / "other")}}
    await online.json("POST", "/connections", 201, json=other)
    paths = [{"channel": "folder", "connection": name, "path": "orders.{ext}"} for name in ("shared", "other")]
    body = {**schedule_body, "destinations": paths, "policy": {"max_attempts": 1}}
    made = await online.json("POST", "/schedules/", 201, json=body)
    run = await online.json("POST", f"/schedules/{made['id']}/run", 202)
    first = await run_pass(online, await stored(online, run["id"]))
    assert first.state is ExecutionState.PARTIAL, first.reason
    left = await online.json("GET", f"/executions/{run['id']}", 200)
    unconfirmed = [one["recipient"] for one in left["deliveries"] if one["status"] != "delivered"]
    assert left["unconfirmed"] == unconfirmed != []
    (listed,) = (await online.json("GET", "/schedules/executions", 200))["items"]
    assert all(recipient in listed["reason"] for recipient in unconfirmed)
    ours = await flow_run(online, run["id"])
    async with PrefectClient(online.settings.prefect_api) as client:
        await client.set_flow_run_state(ours.id, Failed(name="Partial"), force=True)

    asked = await online.json("POST", f"/executions/{run['id']}/retry", 202)
    assert (asked["status"], asked["retry_requested_at"] is None) == ("partial", False)
    waiting = await flow_run(online, run["id"])
    assert waiting.id == ours.id
    assert waiting.state is not None
    assert (waiting.state.type, waiting.state.name) == (StateType.SCHEDULED, "AwaitingRetry")
    events = await online.json("GET", f"/audit?entity_type=execution&entity_id={run['id']}&action=retry", 200)
    assert [(event["action"], event["detail"]["undelivered"]) for event in events["items"]] == [("retry", 1)]

    (tmp_path / "other").mkdir()
    (tmp_path / "shared" / "orders.csv").write_text("changed since")
    second = await run_pass(online, await stored(online, run["id"]))
    assert second.state is ExecutionState.SUCCESS, second.reason
    assert (tmp_path / "shared" / "orders.csv").read_text() == "changed since"
    assert "EMEA" in (tmp_path / "other" / "orders.csv").read_text()
    detail = await online.json("GET", f"/executions/{run['id']}", 200)
    assert [len(delivery["attempts"]) for delivery in detail["deliveries"]] == [1, 2]
    assert (detail["delivered"], detail["total"], detail["retry_requested_at"]) == (2, 2, None)
    await online.json("POST", f"/executions/{run['id']}/retry", 409)


async def test_a_run_that_is_gone_is_replaced(online: Api, schedule_body: dict[str, Any]) -> None:
    made = await online.json("POST", "/schedules/", 201, json=schedule_body)
    run = await online.json("POST", f"/schedules/{made['id']}/run", 202)
    await ended(online, run["id"], ExecutionState.FAILED, DeliveryState.FAILED)
    gone = await flow_run(online, run["id"])
    async with PrefectClient(online.settings.prefect_api) as client:
        await client.delete_flow_run(gone.id)
    await online.json("POST", f"/executions/{run['id']}/retry", 202)
    another = await flow_run(online, run["id"])
    assert another.id != gone.id
    assert another.parameters == {"schedule_id": made["id"], "execution_id": run["id"]}
    assert another.next_scheduled_start_time is not None
    assert another.next_scheduled_start_time <= datetime.now(UTC)


async def test_a_run_that_is_about_to_end_is_waited_for(online: Api, schedule_body: dict[str, Any]) -> None:
    made = await online.json("POST", "/schedules/", 201, json=schedule_body)
    run = await online.json("POST", f"/schedules/{made['id']}/run", 202)
    await ended(online, run["id"], ExecutionState.FAILED, DeliveryState.FAILED)
    ours = await flow_run(online, run["id"])
    async with PrefectClient(online.settings.prefect_api) as client:
        await client.set_flow_run_state(ours.id, Running(), force=True)
        await online.json("POST", f"/executions/{run['id']}/retry", 202)
        assert (await client.read_flow_run(ours.id)).state_type is StateType.RUNNING
        await client.set_flow_run_state(ours.id, Failed(), force=True)
    reconciler = Reconciler(online.database, online.settings)
    assert await reconciler.run_pass() == 1
    assert (await flow_run(online, run["id"])).state_type is StateType.SCHEDULED
    assert await reconciler.run_pass() == 0
    await reconciler.close()


async def test_it_is_kept_while_prefect_is_down(
    offline: Api, prefect_server: str, schedule_body: dict[str, Any]
) -> None:
    made = await offline.json("POST", "/schedules/", 201, json=schedule_body)
    run = await offline.json("POST", f"/schedules/{made['id']}/run", 202)
    await ended(offline, run["id"], ExecutionState.CANCELLED)
    for _ in range(2):
        asked = await offline.json("POST", f"/executions/{run['id']}/retry", 202)
        assert asked["retry_requested_at"] is not None
    events = await offline.json("GET", f"/audit?entity_type=execution&entity_id={run['id']}&action=retry", 200)
    assert len(events["items"]) == 1
    back = Reconciler(offline.database, offline.settings.model_copy(update={"prefect_api_url": prefect_server}))
    await back.run_pass()
    await back.close()
    row = await stored(offline, run["id"])
    assert row.flow_run_id is not None
    async with PrefectClient(prefect_server) as client:
        assert (await client.read_flow_run(UUID(row.flow_run_id))).state_type is StateType.SCHEDULED


@pytest.mark.parametrize(
    ("state", "deliveries"),
    [
        (ExecutionState.PENDING, []),
        (ExecutionState.RUNNING, [DeliveryState.SENDING]),
        (ExecutionState.RETRYING, [DeliveryState.FAILED]),
        (ExecutionState.SUCCESS, [DeliveryState.DELIVERED]),
        (ExecutionState.SKIPPED, []),
        (ExecutionState.MISSED, []),
        (ExecutionState.PARTIAL, [DeliveryState.DELIVERED, DeliveryState.DELIVERED]),
    ],
)
async def test_there_must_be_something_to_deliver(
    offline: Api, schedule_body: dict[str, Any], state: ExecutionState, deliveries: list[DeliveryState]
) -> None:
    made = await offline.json("POST", "/schedules/", 201, json=schedule_body)
    run = await offline.json("POST", f"/schedules/{made['id']}/run", 202)
    await ended(offline, run["id"], state, *deliveries)
    problem = await offline.json("POST", f"/executions/{run['id']}/retry", 409)
    assert problem["remedy"]
    assert (await stored(offline, run["id"])).retry_requested_at is None


async def test_nothing_leaves_for_a_schedule_that_is_paused(offline: Api, schedule_body: dict[str, Any]) -> None:
    made = await offline.json("POST", "/schedules/", 201, json=schedule_body)
    run = await offline.json("POST", f"/schedules/{made['id']}/run", 202)
    await ended(offline, run["id"], ExecutionState.FAILED, DeliveryState.REFUSED)
    path = f"/executions/{run['id']}/retry"
    await offline.json("POST", f"/schedules/{made['id']}/pause", 200)
    assert "paused" in (await offline.json("POST", path, 409))["detail"]
    await offline.json("DELETE", f"/schedules/{made['id']}", 204)
    await offline.json("POST", path, 409)
    await offline.json("POST", "/executions/nothing/retry", 404)


async def test_one_that_was_superseded_stays_so(offline: Api, schedule_body: dict[str, Any]) -> None:
    made = await offline.json("POST", "/schedules/", 201, json=schedule_body)
    first, later = [await offline.json("POST", f"/schedules/{made['id']}/run", 202) for _ in range(2)]
    await ended(offline, first["id"], ExecutionState.CANCELLED)
    async with offline.database.session() as session:
        (await executions.get(session, first["id"])).superseded_by = later["id"]
    problem = await offline.json("POST", f"/executions/{first['id']}/retry", 409)
    assert later["id"] in problem["detail"]
