"""A new version of a report that active schedules do not fit: it is refused, or they are suspended with consent."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from sqlalchemy import select

from embedded.bootstrap import sync_catalog
from mailroom.executions.reasons import ReasonCode
from mailroom.states import ExecutionState, ScheduleState
from mailroom.storage.tables import Execution, Notification, Schedule

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

NO_CSV = {"formats": ["html"]}
NO_REGION = {"parameters": {"type": "object", "properties": {}}}
OTHER_REGIONS = {"parameters": {"type": "object", "properties": {"region": {"type": "string", "enum": ["APAC"]}}}}
WITH_CONSENT = "/reports/orders?suspend_broken=true"


def _changed(report: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    query = {"queries": {"orders": "SELECT 1 AS region, 2 AS amount"}}
    return {**report, "source": {**report["source"], **query}, **change}


async def _states(api: Api) -> dict[str, str]:
    return {one["name"]: one["state"] for one in (await api.json("GET", "/schedules/", 200))["items"]}


async def _three(api: Api, body: dict[str, Any]) -> dict[str, Any]:
    """Store a schedule that will break, one that will fit, and a deleted one; return the first."""
    broken: dict[str, Any] = await api.json("POST", "/schedules/", 201, json=body)
    await api.json("POST", "/schedules/", 201, json={**body, "name": "Fits", "parameters": {}, "formats": ["html"]})
    gone = await api.json("POST", "/schedules/", 201, json={**body, "name": "Deleted"})
    await api.json("DELETE", f"/schedules/{gone['id']}", 204)
    return broken


@pytest.mark.parametrize(
    ("change", "place"),
    [(NO_CSV, "formats.0"), (NO_REGION, "parameters.region"), (OTHER_REGIONS, "parameters.region")],
    ids=["format", "parameter", "value"],
)
async def test_without_consent_nothing_is_saved_and_each_schedule_is_named(
    offline: Api, schedule_body: dict[str, Any], report_body: dict[str, Any], change: dict[str, Any], place: str
) -> None:
    broken = await _three(offline, schedule_body)
    before = await offline.json("GET", "/reports/orders", 200)
    problem = await offline.json("PUT", "/reports/orders", 409, json=_changed(report_body, change))
    assert problem["type"] == "/problems/breaks-schedules"
    assert "suspend_broken" in problem["remedy"]
    (named,) = problem["errors"]
    assert named["field"] == f"schedules.{broken['id']}"
    assert all(part in named["message"] for part in (schedule_body["name"], offline.settings.owner_email, place))
    assert await offline.json("GET", "/reports/orders", 200) == before
    assert set((await _states(offline)).values()) == {"active"}


async def test_with_consent_they_are_suspended_and_their_owners_are_told(
    either: Api, schedule_body: dict[str, Any], report_body: dict[str, Any]
) -> None:
    broken, place = await _three(either, schedule_body), "parameters.region"
    saved = await either.json("PUT", WITH_CONSENT, 200, json=_changed(report_body, NO_REGION))
    assert saved["suspended"] == [broken["id"]]
    (warning,) = [one for one in saved["warnings"] if "breaks" in one]
    for part in (broken["id"], schedule_body["name"], either.settings.owner_email, place):
        assert part in warning
    assert await _states(either) == {schedule_body["name"]: "suspended", "Fits": "active"}
    assert (await either.json("GET", f"/schedules/{broken['id']}", 200))["next_runs"] == []
    events = await either.json("GET", f"/audit?entity_type=schedule&entity_id={broken['id']}", 200)
    event = events["items"][0]
    assert (event["action"], event["actor"]) == ("suspended", either.settings.owner_email)
    assert (event["detail"]["report"], event["detail"]["version"]) == ("orders", saved["version"])
    assert place in event["detail"]["faults"][0]
    (told,) = (await either.json("GET", "/notifications", 200))["items"]
    assert told["schedule_id"] == broken["id"]
    assert place in told["body"]


async def test_what_was_due_until_then_is_skipped_with_the_reason(
    either: Api, schedule_body: dict[str, Any], report_body: dict[str, Any]
) -> None:
    hourly = {"frequency": "hourly", "timezone": "UTC"}
    body = {**schedule_body, "timing": hourly, "policy": {"catchup": "all", "expires_after": "P1D"}}
    made = await either.json("POST", "/schedules/", 201, json=body)
    async with either.database.session() as session:  # As if nothing had looked after it for three hours.
        row = await session.get(Schedule, made["id"])
        assert row is not None
        row.accounted_until -= timedelta(hours=3)
    await either.json("PUT", WITH_CONSENT, 200, json={**report_body, **NO_CSV})
    async with either.database.session() as session:
        row = await session.get(Schedule, made["id"])
        entries = (await session.scalars(select(Execution))).all()
    assert row is not None
    assert (row.state, row.is_active, row.next_run) == (ScheduleState.SUSPENDED, False, None)
    assert len(entries) == 3
    reasons = {(one.status, one.reason_code) for one in entries}
    assert reasons == {(ExecutionState.SKIPPED, ReasonCode.SCHEDULE_SUSPENDED_BY_REPORT)}
    assert {one.reason_values and one.reason_values["report"] for one in entries} == {"orders"}


async def test_a_suspended_schedule_is_resumed_only_once_it_fits(
    offline: Api, schedule_body: dict[str, Any], report_body: dict[str, Any]
) -> None:
    made = await offline.json("POST", "/schedules/", 201, json=schedule_body)
    path = f"/schedules/{made['id']}"
    await offline.json("PUT", WITH_CONSENT, 200, json={**report_body, **NO_CSV})
    refused = await offline.json("POST", f"{path}/resume", 409)
    assert [one["field"] for one in refused["errors"]] == ["formats.0"]
    assert (await offline.json("GET", path, 200))["state"] == "suspended"
    await offline.json("PUT", path, 200, json={**schedule_body, "formats": ["html"]})
    assert (await offline.json("POST", f"{path}/resume", 200))["state"] == "active"


async def test_a_paused_schedule_needs_no_consent_and_is_not_resumed_either(
    offline: Api, schedule_body: dict[str, Any], report_body: dict[str, Any]
) -> None:
    made = await offline.json("POST", "/schedules/", 201, json=schedule_body)
    await offline.json("POST", f"/schedules/{made['id']}/pause", 200)
    saved = await offline.json("PUT", "/reports/orders", 200, json={**report_body, **NO_CSV})
    assert saved["suspended"] == []
    (warning,) = [one for one in saved["warnings"] if "breaks" in one]
    assert made["id"] in warning
    await offline.json("POST", f"/schedules/{made['id']}/resume", 409)
    again = await offline.json("PUT", "/reports/orders", 200, json=report_body)
    assert [one for one in again["warnings"] if "breaks" in one] == []
    await offline.json("POST", f"/schedules/{made['id']}/resume", 200)


async def test_what_did_not_fit_before_is_no_reason_to_refuse_a_change(
    offline: Api, schedule_body: dict[str, Any], report_body: dict[str, Any]
) -> None:
    made = await offline.json("POST", "/schedules/", 201, json=schedule_body)
    async with offline.database.session() as session:  # As an earlier version may have let through.
        row = await session.get(Schedule, made["id"])
        assert row is not None
        row.filter_config = {"continent": "Africa"}
    saved = await offline.json("PUT", "/reports/orders", 200, json={**report_body, "title": "Another title"})
    assert saved["suspended"] == []
    assert [made["id"] in one for one in saved["warnings"] if "breaks" in one] == [True]


async def test_no_more_broken_schedules_are_named_than_can_be_read(
    offline: Api, schedule_body: dict[str, Any], report_body: dict[str, Any]
) -> None:
    for number in range(22):
        await offline.json("POST", "/schedules/", 201, json={**schedule_body, "name": f"Number {number}"})
    problem = await offline.json("PUT", "/reports/orders", 409, json={**report_body, **NO_CSV})
    assert len(problem["errors"]) == 21
    assert "2 more" in problem["errors"][-1]["message"]
    answer = await offline.json("PUT", WITH_CONSENT, 200, json={**report_body, **NO_CSV})
    told = [one for one in answer["warnings"] if "breaks" in one]
    assert len(told) == 21
    assert "2 more" in told[-1]
    assert len(answer["suspended"]) == 22
    assert set((await _states(offline)).values()) == {"suspended"}


@pytest.mark.parametrize("consent", [False, True])
async def test_a_report_folder_suspends_nothing_without_consent_and_never_in_silence(
    offline: Api, schedule_body: dict[str, Any], report_body: dict[str, Any], tmp_path: Path, consent: bool
) -> None:
    made = await offline.json("POST", "/schedules/", 201, json=schedule_body)
    before = await offline.json("GET", "/reports/orders", 200)
    for name, change in (("orders", NO_CSV), ("other", {})):
        folder = tmp_path / "catalog" / name
        folder.mkdir(parents=True)
        content = {key: value for key, value in {**report_body, **change}.items() if key != "id"}
        (folder / "report.yaml").write_text(yaml.safe_dump(content))
    said: list[str] = []
    found = await sync_catalog(offline.database, tmp_path / "catalog", said.append, suspend_broken=consent)
    assert any(made["id"] in line for line in said)
    assert found.kept == ([] if consent else ["orders"])
    after = await offline.json("GET", "/reports/orders", 200)
    assert (after["version"] == before["version"]) is not consent
    assert (await _states(offline))[schedule_body["name"]] == ("suspended" if consent else "active")
    await offline.json("GET", "/reports/other", 200)
    async with offline.database.session() as session:
        told = (await session.scalars(select(Notification))).all()
    assert [one.schedule_id for one in told] == ([made["id"]] if consent else [])
