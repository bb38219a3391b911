"""What must not be accepted, since it could never be delivered or would never run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from mailroom.states import ScheduleState
from mailroom.storage.tables import Schedule

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param("{report_name}.{ext}", id="a mail has no extension"),
        pytest.param("{file_name}", id="a mail has no file name"),
        pytest.param("{window_from} to {window_to}", id="the report has no data window"),
        pytest.param("{param_region:03d}", id="a number's format for a text"),
        pytest.param("{param_region:%Y}", id="a date's format for a text"),
        pytest.param("{param_least:%Y}", id="a date's format for a number"),
    ],
)
@pytest.mark.parametrize("path", ["/schedules/", "/schedules/preview"])
async def test_a_subject_that_fails_at_every_delivery_is_refused_when_it_is_saved(
    offline: Api, schedule_body: dict[str, Any], subject: str, path: str
) -> None:
    mail = {"channel": "email", "connection": "corp-smtp", "to": ["ada@example.com"], "subject": subject}
    body = {**schedule_body, "parameters": {"region": "EMEA", "least": 1}, "destinations": [mail]}
    answer = await offline.http.post(f"/api/v1{path}", json=body)
    assert answer.status_code == 422, answer.text
    assert "destinations.0.subject" in [error["field"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("name", ["{window_from}", "{param_region:03d}", "{param_least:%Y}"])
async def test_a_path_that_fails_at_every_delivery_is_refused_when_it_is_saved(
    offline: Api, schedule_body: dict[str, Any], name: str
) -> None:
    folder = {"channel": "folder", "connection": "shared", "path": f"{name}/{{report_slug}}.{{ext}}"}
    body = {**schedule_body, "parameters": {"region": "EMEA", "least": 1}, "destinations": [folder]}
    answer = await offline.http.post("/api/v1/schedules/", json=body)
    assert answer.status_code == 422, answer.text
    assert "destinations.0.path" in [error["field"] for error in answer.json()["errors"]]


async def test_a_finished_schedule_is_not_resumed(offline: Api, schedule_body: dict[str, Any]) -> None:
    once = {"frequency": "once", "at": "2099-01-01T09:00", "timezone": "UTC"}
    made = await offline.json("POST", "/schedules/", 201, json={**schedule_body, "timing": once})
    async with offline.database.session() as session:
        row = await session.get(Schedule, made["id"])
        assert row is not None
        row.state, row.is_active, row.next_run = ScheduleState.FINISHED, False, None
        row.schedule_config = {**row.schedule_config, "at": "2020-01-01T09:00:00"}
    answer = await offline.http.post(f"/api/v1/schedules/{made['id']}/resume")
    assert answer.status_code == 409, answer.text
    assert (await offline.json("GET", f"/schedules/{made['id']}", 200))["state"] == "finished"


async def test_a_slow_pattern_does_not_hold_the_event_loop(
    offline: Api, schedule_body: dict[str, Any], report_body: dict[str, Any]
) -> None:
    """Measured as CPU time of the loop's thread, which other work on the machine does not add to."""
    properties = {**report_body["parameters"]["properties"], "code": {"type": "string", "pattern": "^(a+)+$"}}
    slow = {**report_body, "id": "slow", "parameters": {"type": "object", "properties": properties}}
    began = time.thread_time()
    saved = await offline.http.post("/api/v1/reports", json=slow)
    assert saved.status_code in (201, 422), saved.text
    body = {**schedule_body, "report_id": "slow", "parameters": {"region": "EMEA", "code": "a" * 25 + "!"}}
    answer = await offline.http.post("/api/v1/schedules/", json=body)
    assert answer.status_code == 422, answer.text
    assert time.thread_time() - began < 3, "an engine that tries every way would take minutes"
