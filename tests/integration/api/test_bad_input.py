"""Input that cannot run is refused, names its field, and leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from mailroom.storage.tables import AuditEvent, Execution, Schedule

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


def cron(expression: str) -> dict[str, Any]:
    return {"timing": {"frequency": "cron", "expression": expression, "timezone": "UTC"}}


def zone(name: Any) -> dict[str, Any]:
    return {"timing": {"frequency": "daily", "at": "09:00", "timezone": name}}


def mail(**settings: Any) -> dict[str, Any]:
    return {"destinations": [{"channel": "email", "connection": "corp-smtp", "to": ["ada@example.com"], **settings}]}


def folder(path: str) -> dict[str, Any]:
    return {"destinations": [{"channel": "folder", "connection": "shared", "path": path}]}


BAD: list[tuple[dict[str, Any], str]] = [
    # What does not exist.
    ({"report_id": "unknown"}, "report_id"),
    ({"report_id": "../orders"}, "report_id"),
    ({"report_id": {"a": 1}}, "report_id"),
    ({"destinations": [{"channel": "folder", "connection": "unknown"}]}, "destinations.0.connection"),
    ({"destinations": [{"channel": "folder", "connection": "corp-smtp"}]}, "destinations.0.connection"),
    ({"destinations": [{"channel": "pigeon", "connection": "shared"}]}, "destinations.0.channel"),
    ({"formats": ["docx"]}, "formats.0"),
    ({"formats": ["pdf"]}, "formats.0"),
    ({"formats": []}, "formats"),
    ({"destinations": []}, "destinations"),
    # Parameters against their schema.
    ({"parameters": {"region": "Mars"}}, "parameters.region"),
    ({"parameters": {"regoin": "EMEA"}}, "parameters.regoin"),
    ({"parameters": {"region": {"$ne": 1}}}, "parameters.region"),
    ({"parameters": {"least": -1}}, "parameters.least"),
    # SECURITY-TESTS 42 and 43.
    (cron("* * * * * *"), "timing.expression"),
    (cron("0 0 9 * * * 2020"), "timing.expression"),
    (cron("* * * * *"), "timing"),
    (cron("R R * * *"), "timing.expression"),
    (cron("H H * * *"), "timing.expression"),
    (cron("@reboot"), "timing.expression"),
    (cron("٠ ٩ * * *"), "timing.expression"),
    (cron("0 9 30 2 *"), "timing"),
    (cron("0 9 31 4 *"), "timing"),
    (cron("0 9 *\n* *"), "timing.expression"),
    ({"timing": {"frequency": "once", "at": "2020-01-01T09:00", "timezone": "UTC"}}, "timing"),
    ({"timing": {"frequency": "once", "at": "9999-12-31T23:59", "timezone": "America/New_York"}}, "timing.at"),
    ({"timing": {"frequency": "daily", "at": "09:00", "starts_on": "9999-12-31"}}, "timing.starts_on"),
    ({"timing": {"frequency": "daily", "at": "09:00", "ends_on": "0001-01-01"}}, "timing.ends_on"),
    ({"timing": {"frequency": "daily", "at": "25:00"}}, "timing.at"),
    ({"timing": {"frequency": "weekly", "days": [], "at": "09:00"}}, "timing.days"),
    ({"timing": {"frequency": "monthly", "day": 32, "at": "09:00"}}, "timing.day"),
    ({"timing": {"frequency": "fortnightly"}}, "timing"),
    ({"timing": {"frequency": "daily", "at": "09:00", "calendar": "mars"}}, "timing.calendar"),
    # 44.
    (zone(""), "timing.timezone"),
    (zone("Mars/Olympus"), "timing.timezone"),
    (zone("../../etc/passwd"), "timing.timezone"),
    (zone("Europe/Berlin\n"), "timing.timezone"),
    (zone(None), "timing.timezone"),
    # 25, mass assignment.
    ({"user_id": "someone"}, "user_id"),
    ({"owner": "someone"}, "owner"),
    ({"run_as": "root"}, "run_as"),
    ({"state": "active"}, "state"),
    ({"last_run": "2026-01-01T00:00:00Z"}, "last_run"),
    ({"deployment_id": "1"}, "deployment_id"),
    ({"sync_state": "synced"}, "sync_state"),
    ({"id": "1"}, "id"),
    # Names that are kinds of timings and sources elsewhere.
    ({"daily": 1}, "daily"),
    ({"timing": {"frequency": "daily", "at": "09:00", "cron": "x"}}, "timing.cron"),
    # Names, subjects, addresses, paths.
    ({"name": ""}, "name"),
    ({"name": "   "}, "name"),
    ({"name": "a\r\nX-Injected: 1"}, "name"),
    ({"name": "a\x1b[31m"}, "name"),
    ({"name": "x" * 201}, "name"),
    (mail(subject="{''.__class__}"), "destinations.0"),
    (mail(subject="{report_name.__class__}"), "destinations.0"),
    (mail(to=["ada@example.com\r\nBcc: eve@example.com"]), "destinations.0.to"),
    (mail(bcc=["not an address"]), "destinations.0.bcc"),
    (mail(password="secret"), "destinations.0.password"),
    (folder("../../etc/{report_slug}.{ext}"), "destinations.0.path"),
    (folder("/etc/{report_slug}.{ext}"), "destinations.0.path"),
    # Policy.
    ({"policy": {"max_attempts": 10_000}}, "policy.max_attempts"),
    ({"policy": {"expires_after": "P90D"}}, "policy.expires_after"),
    ({"policy": {"overlap": "queue"}}, "policy.overlap"),
    ({"policy": {"overlap": "cancel_other", "catchup": "all"}}, "policy.catchup"),
    ({"policy": {"jitter": "PT2H"}}, "policy.jitter"),
    ({"policy": {"jitter": "-PT1S"}}, "policy.jitter"),
    ({"policy": {"jitter": "PT10M", "expires_after": "PT10M"}}, "policy.jitter"),
    ({"policy": {"jitter": "PT1H"}, **cron("0 * * * *")}, "policy.jitter"),
    ({"condition": {"send_if": "sometimes"}}, "condition.send_if"),
]


async def counts(api: Api) -> list[int]:
    async with api.database.session() as session:
        tables = (Schedule, Execution, AuditEvent)
        return [(await session.scalars(select(func.count()).select_from(table))).one() for table in tables]


@pytest.mark.parametrize(("change", "field"), BAD, ids=[f"{i}-{field}" for i, (_, field) in enumerate(BAD)])
async def test_a_wrong_schedule_is_refused_and_not_stored(
    offline: Api, schedule_body: dict[str, Any], change: dict[str, Any], field: str
) -> None:
    answer = await offline.http.post("/api/v1/schedules/", json={**schedule_body, **change})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    fields = [error["field"] for error in problem["errors"]]
    assert any(found == field or found.startswith(f"{field}.") for found in fields), fields
    assert all(error["message"] for error in problem["errors"])
    assert await counts(offline) == [0, 0, 0]


async def test_every_fault_is_named_at_once(offline: Api, schedule_body: dict[str, Any]) -> None:
    wrong = {**schedule_body, "report_id": "unknown", "destinations": [{"channel": "folder", "connection": "nobody"}]}
    problem = await offline.json("POST", "/schedules/", 422, json=wrong)
    assert {error["field"] for error in problem["errors"]} == {"report_id", "destinations.0.connection"}
    assert all(error["remedy"] for error in problem["errors"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"queries": {"orders": "SELECT 1; DROP TABLE orders"}}, "source.queries.orders"),
        ({"queries": {"orders": "DELETE FROM orders"}}, "source.queries.orders"),
        (
            {"queries": {"orders": "WITH x AS (DELETE FROM orders RETURNING *) SELECT * FROM x"}},
            "source.queries.orders",
        ),
        ({"queries": {"orders": "SELECT /* */ 1 /* ; */ ; -- \n DELETE FROM orders"}}, "source.queries.orders"),
        ({"queries": {"orders": "SELECT :unknown"}}, "source.queries.orders"),
        ({"queries": {"sql": 5}}, "source.queries.sql"),
        ({"connection": "nowhere"}, "source.connection"),
        ({"connection": "shared"}, "source.connection"),
    ],
)
async def test_a_wrong_report_is_refused_and_not_stored(
    offline: Api, report_body: dict[str, Any], change: dict[str, Any], field: str
) -> None:
    body = {**report_body, "id": "wrong", "source": {**report_body["source"], **change}}
    problem = await offline.json("POST", "/reports", 422, json=body)
    assert field in {error["field"] for error in problem["errors"]}, problem
    await offline.json("GET", "/reports/wrong", 404)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"parameters": {"type": "array"}}, "parameters"),
        ({"formats": ["exe"]}, "formats.0"),
        ({"id": "../../x"}, "id"),
        ({"template": "{{ unfinished"}, "template"),
        ({"is_active": False}, "is_active"),
        ({"version": "1"}, "version"),
    ],
)
async def test_a_wrong_definition_is_refused(
    offline: Api, report_body: dict[str, Any], change: dict[str, Any], field: str
) -> None:
    problem = await offline.json("POST", "/reports", 422, json={**report_body, "id": "wrong", **change})
    assert any(error["field"].startswith(field) for error in problem["errors"]), problem


async def test_a_change_is_checked_like_a_new_schedule(offline: Api, schedule_body: dict[str, Any]) -> None:
    made = await offline.json("POST", "/schedules/", 201, json=schedule_body)
    path = f"/schedules/{made['id']}"
    await offline.json("PUT", path, 422, json={**schedule_body, "user_id": "someone"})
    await offline.json("PATCH", path, 422, json={"state": "deleted"})
    await offline.json("PATCH", path, 422, json={"timing": {"timezone": "Mars/Olympus"}})
    await offline.json("PATCH", path, 422, json={"destinations": None})
    await offline.json("PATCH", path, 422, json=["name"])
    assert (await offline.json("GET", path, 200))["etag"] == made["etag"]


async def test_the_preview_refuses_what_saving_refuses(offline: Api) -> None:
    for timing in (cron("0 9 30 2 *"), cron("* * * * * *"), zone("Mars/Olympus")):
        await offline.json("POST", "/schedules/preview", 422, json=timing)
    await offline.json("POST", "/schedules/preview", 422, json={**zone("UTC"), "count": 10_000})
    await offline.json("POST", "/schedules/preview", 422, json={})
    gap = {"frequency": "daily", "at": "02:30", "timezone": "Europe/Berlin", "starts_on": "2030-03-29"}
    seen = await offline.json("POST", "/schedules/preview", 200, json={"timing": gap, "count": 3})
    assert seen["words"] == "Every day at 02:30 (Europe/Berlin), from Friday 29 March 2030"
    assert seen["next_runs"][2] == {
        "at": "2030-03-31T01:00:00Z",
        "local": "2030-03-31T03:00:00+02:00",
        "words": "Sunday 31 March 2030, 03:00 CEST",
        "offset_change": "+01:00 -> +02:00",
        "moved_from": {
            "local": "2030-03-31T02:30:00",
            "reason": "clock_change",
            "why": "02:30 does not exist in Europe/Berlin on that day (the clocks go forward)",
        },
    }
    jittered = {"timing": gap, "policy": {"jitter": "PT10M"}}
    told = await offline.json("POST", "/schedules/preview", 200, json=jittered)
    assert told["warnings"][0]["message"].startswith("Each run starts up to 10 minutes after its due time")
    await offline.json("POST", "/schedules/preview", 422, json={**cron("0 * * * *"), "policy": {"jitter": "PT1H"}})
    assert seen["warnings"][0]["code"] == "clock_change"
    assert "03:00" in seen["warnings"][0]["message"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "cursor=junk",
        "cursor=WzEsMl0",
        "sort=user_id",
        "sort=name;drop",
        "state=gone",
    ],
)
async def test_a_wrong_query_is_refused(offline: Api, query: str) -> None:
    problem = await offline.json("GET", f"/schedules/?{query}", 422)
    assert problem["errors"][0]["field"] == query.partition("=")[0]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:00", "2026-11-23", "9999-12-31T23:59:59-23:00", "x"])
async def test_a_wrong_moment_is_refused(offline: Api, moment: str) -> None:
    problem = await offline.json("GET", "/schedules/executions", 422, params={"due_from": moment})
    assert problem["errors"][0]["field"] == "due_from"


async def test_a_body_that_the_framework_reads_names_its_fields_too(
    offline: Api, schedule_body: dict[str, Any]
) -> None:
    made = await offline.json("POST", "/schedules/", 201, json=schedule_body)
    path = f"/schedules/{made['id']}/backfill"
    problem = await offline.json("POST", path, 422, json={"from": "soon", "until": "2026-11-01", "http": 1})
    assert {error["field"] for error in problem["errors"]} == {"from", "http"}


async def test_a_test_is_not_sent_to_a_forged_address(offline: Api, schedule_body: dict[str, Any]) -> None:
    made = await offline.json("POST", "/schedules/", 201, json={**schedule_body, **mail()})
    path = f"/schedules/{made['id']}/test"
    await offline.json("POST", path, 422, json={"to": "ada@example.com\r\nBcc: eve@example.com"})
    await offline.json("POST", path, 422, json={"to": "ada@example.com", "kind": "run_now"})
    assert (await offline.json("GET", "/schedules/executions", 200))["items"] == []


async def test_a_channel_that_is_not_there_says_so(offline: Api) -> None:
    problem = await offline.json("POST", "/distribution/test/carrier-pigeon", 501, json={"connection": "bank"})
    assert "carrier-pigeon" in problem["detail"]
    assert "email" in problem["remedy"]
    await offline.json("POST", "/distribution/test/email", 422, json={"connection": "nobody"})
    await offline.json("POST", "/distribution/test/email", 422, json={"connection": "shared"})
    await offline.json("POST", "/distribution/test/..%2f", 404, json={"connection": "shared"})
