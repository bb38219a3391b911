"""Schedules through the API with a real Prefect server behind it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags, FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule

from mailroom.schedules.deletions.finish import finish_due

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


def fires(deployment: DeploymentResponse) -> list[tuple[str, str | None]]:
    """Cron and zone of each schedule of a deployment."""
    schedules = [entry.schedule for entry in deployment.schedules]
    assert all(isinstance(schedule, CronSchedule) for schedule in schedules)
    return [(schedule.cron, schedule.timezone) for schedule in schedules if isinstance(schedule, CronSchedule)]


async def deployments(url: str, schedule_id: str) -> list[DeploymentResponse]:
    """What Prefect has for a schedule."""
    async with PrefectClient(url) as client:
        tags = DeploymentFilterTags(all_=[f"schedule:{schedule_id}"])
        return await client.read_deployments(deployment_filter=DeploymentFilter(tags=tags))


async def test_a_schedule_lives_its_whole_life(online: Api, prefect_server: str, schedule_body: dict[str, Any]) -> None:
    answer = await online.http.post("/api/v1/schedules/", json=schedule_body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["sync"] == {"state": "synced", "generation": 1, "observed_generation": 1, "error": ""}
    assert answer.headers["ETag"] == made["etag"] == '"1"'
    assert answer.headers["Location"] == f"/api/v1/schedules/{made['id']}"
    assert len(made["next_runs"]) == 5
    assert {run["local"][11:16] for run in made["next_runs"]} == {"09:00"}
    assert all(run["at"].endswith("Z") for run in made["next_runs"])
    assert made["last_run"] is None
    assert made["links"]["prefect"].startswith(prefect_server.removesuffix("/api"))
    (deployment,) = await deployments(prefect_server, made["id"])
    assert fires(deployment) == [("0 9 * * *", "Europe/Berlin")]
    assert deployment.parameters == {"schedule_id": made["id"]}

    path = f"/schedules/{made['id']}"
    changed = {**schedule_body, "timing": {"frequency": "daily", "at": "10:30", "timezone": "Europe/Berlin"}}
    stale = await online.json("PUT", path, 412, json=changed, headers={"If-Match": '"7"'})
    assert stale["type"] == "/problems/stale"
    put = await online.json("PUT", path, 200, json=changed, headers={"If-Match": '"1"'})
    assert put["etag"] == '"2"'
    assert put["sync"]["state"] == "synced"
    (after,) = await deployments(prefect_server, made["id"])
    assert after.id == deployment.id
    assert fires(after) == [("30 10 * * *", "Europe/Berlin")]

    patch = {"name": "Orders", "timing": {"at": "11:00"}}
    patched = await online.json("PATCH", path, 200, json=patch)
    assert (patched["name"], patched["timing"]["at"][:5], patched["timing"]["timezone"]) == (
        "Orders",
        "11:00",
        "Europe/Berlin",
    )

    paused = await online.json("POST", f"{path}/pause", 200)
    assert (paused["state"], paused["next_runs"]) == ("paused", [])
    assert (await deployments(prefect_server, made["id"]))[0].paused
    refused = await online.json("POST", f"{path}/run", 409)
    assert "paused" in refused["detail"]
    resumed = await online.json("POST", f"{path}/resume", 200)
    assert resumed["state"] == "active"
    assert len(resumed["next_runs"]) == 5

    await online.json("DELETE", path, 412, headers={"If-Match": '"1"'})
    await online.json("DELETE", path, 204)
    deleted = await online.json("GET", path, 200)
    assert (deleted["state"], deleted["next_runs"]) == ("deleted", [])
    assert [one.paused for one in await deployments(prefect_server, made["id"])] == [True]
    await finish_due(online.database, now=datetime.fromisoformat(deleted["delete_after"]))
    await online.json("GET", path, 404)
    await online.app.state.services.reconciler.settle_schedule(made["id"])
    assert await deployments(prefect_server, made["id"]) == []
    events = await online.json("GET", f"/audit?entity_type=schedule&entity_id={made['id']}", 200)
    assert [e["action"] for e in events["items"]] == ["deleted", "resumed", "paused", "changed", "changed", "created"]


async def test_a_run_and_a_test_become_flow_runs(
    online: Api, prefect_server: str, schedule_body: dict[str, Any]
) -> None:
    made = await online.json("POST", "/schedules/", 201, json=schedule_body)
    path = f"/schedules/{made['id']}"
    run = await online.json("POST", f"{path}/run", 202)
    test = await online.json("POST", f"{path}/test", 202, json={"to": "ada@example.com"})
    assert (run["kind"], test["kind"], test["test_recipient"]) == ("run_now", "test", "ada@example.com")
    async with PrefectClient(prefect_server) as client:
        ids = [execution["links"]["prefect"].rsplit("/", 1)[1] for execution in (run, test)]
        runs = await client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=ids)))
    assert {flow_run.parameters["execution_id"] for flow_run in runs} == {run["id"], test["id"]}
    assert "ada@example.com" not in str([flow_run.parameters for flow_run in runs])

    history = await online.json("GET", f"{path}/history?limit=1", 200)
    following = await online.json("GET", f"{path}/history?limit=1&cursor={history['next_cursor']}", 200)
    assert {history["items"][0]["id"], following["items"][0]["id"]} == {run["id"], test["id"]}
    assert following["next_cursor"] is None
    detail = await online.json("GET", f"/executions/{run['id']}", 200)
    assert (detail["deliveries"], detail["schedule_name"]) == ([], "Daily orders")


async def test_a_preview_is_rendered_from_the_real_data(online: Api) -> None:
    page = await online.http.get("/api/v1/reports/orders/preview", params={"parameters": '{"region": "EMEA"}'})
    assert page.status_code == 200, page.text
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("sandbox")
    assert "Orders by region" in page.text
    assert "EMEA" in page.text
    assert "APAC" not in page.text
    wrong = await online.json("GET", "/reports/orders/preview", 422, params={"parameters": '{"region": "Mars"}'})
    assert wrong["errors"][0]["field"] == "parameters.region"
    await online.json("GET", "/reports/orders/preview", 400, params={"parameters": '{"region": NaN}'})
    await online.json("GET", "/reports/orders/preview", 422, params={"parameters": "[]"})


async def test_a_report_is_replaced_and_deleted(online: Api, schedule_body: dict[str, Any]) -> None:
    report = await online.http.get("/api/v1/reports/orders")
    definition = {**report.json()["definition"], "title": "All orders"}
    await online.json("PUT", "/reports/orders", 412, json=definition, headers={"If-Match": '"old"'})
    put = await online.json(
        "PUT", "/reports/orders", 200, json=definition, headers={"If-Match": report.headers["ETag"]}
    )
    assert put["title"] == "All orders"
    assert put["version"] != report.json()["version"]
    await online.json("POST", "/reports", 409, json=definition)
    made = await online.json("POST", "/schedules/", 201, json=schedule_body)
    used = await online.json("DELETE", "/reports/orders", 409)
    assert "1 schedule" in used["detail"]
    await online.json("DELETE", f"/schedules/{made['id']}", 204)
    await online.json("DELETE", "/reports/orders", 204)
    await online.json("GET", "/reports/orders", 404)


async def test_a_message_through_a_folder_really_arrives(online: Api, tmp_path: Path) -> None:
    receipt = await online.json("POST", "/distribution/test/folder", 200, json={"connection": "shared"})
    assert receipt["connection"] == "shared"
    assert receipt["recipient"].startswith("test/")
    (arrived,) = [path for path in (tmp_path / "shared").rglob("*") if path.is_file()]
    assert receipt["reference"] == str(arrived)
    assert arrived.is_relative_to(tmp_path / "shared/test")
    assert "The connection 'shared' works." in arrived.read_text()
