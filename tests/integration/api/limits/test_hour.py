"""SECURITY-TESTS 48: nobody floods anybody by runs, tests and previews that a person asks for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from mailroom.states import ExecutionKind
from mailroom.storage.model.limits import HourlyUse
from mailroom.storage.tables import Execution
from tests.integration.api.access.people import People
from tests.integration.api.conftest import SCHEDULE
from tests.integration.api.limits.conftest import creator, refused

MAIL = {"channel": "email", "connection": "corp-smtp", "to": ["ada@example.com"]}


async def _executions(people: People, kind: ExecutionKind) -> int:
    async with people.api.database.session() as session:
        return (await session.scalars(select(func.count()).where(Execution.kind == kind))).one()


async def _an_hour_later(people: People) -> None:
    async with people.api.database.session() as session:
        await session.execute(update(HourlyUse).values(at=datetime.now(UTC) - timedelta(minutes=61)))


async def test_security_48_run_now_is_limited_by_the_hour(people_of_either: People) -> None:
    people = people_of_either
    ada = await creator(people)
    made = await ada.json("POST", "/schedules/", 201, json=SCHEDULE)
    path = f"/api/v1/schedules/{made['id']}/run"
    answers = await asyncio.gather(*(ada.http.post(path) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [202, 202, *[429] * 8]
    assert await _executions(people, ExecutionKind.RUN_NOW) == 2
    over = await ada.http.post(path)
    assert refused(over.json()) == ("runs_an_hour", 2, 2)
    assert 3000 < int(over.headers["Retry-After"]) <= 3600
    await people.api.json("POST", path.removeprefix("/api/v1"), 202)  # An admin's runs are not counted.
    await _an_hour_later(people)
    assert (await ada.http.post(path)).status_code == 202
    async with people.api.database.session() as session:
        assert len((await session.scalars(select(HourlyUse.id))).all()) == 1, "what counts no more is removed"


async def test_security_48_a_bulk_action_has_the_same_limit_and_so_has_its_trial(people: People) -> None:
    ada = await creator(people)
    ids = [(await ada.json("POST", "/schedules/", 201, json={**SCHEDULE, "name": f"S{n}"}))["id"] for n in range(4)]
    bulk = {"action": "run", "ids": ids}
    dry = await ada.json("POST", "/schedules/bulk", 200, json={**bulk, "dry_run": True})
    done = await ada.json("POST", "/schedules/bulk", 200, json=bulk)
    for answer in (dry, done):
        assert [item["outcome"] for item in answer["items"]] == ["done", "done", "failed", "failed"]
        assert answer["items"][2]["problem"]["status"] == 429
        assert refused(answer["items"][2]["problem"]) == ("runs_an_hour", 2, 2)
    assert await _executions(people, ExecutionKind.RUN_NOW) == 2


async def test_security_48_schedules_that_run_at_once_are_runs(people: People) -> None:
    ada = await creator(people)
    now = {**SCHEDULE, "timing": {"frequency": "immediate", "timezone": "UTC"}}
    (first,) = [(await ada.json("POST", "/schedules/", 201, json=now))["id"]]
    later = {**SCHEDULE, "timing": {"frequency": "once", "at": "2099-01-01T09:00", "timezone": "UTC"}}
    await ada.json("PUT", f"/schedules/{first}", 200, json=later)
    await ada.json("PUT", f"/schedules/{first}", 200, json=now)
    await ada.json("PUT", f"/schedules/{first}", 200, json={**now, "name": "Renamed"})
    await ada.json("PUT", f"/schedules/{first}", 200, json=later)
    problem = await ada.json("PUT", f"/schedules/{first}", 429, json=now)
    assert refused(problem) == ("runs_an_hour", 2, 2)
    await ada.json("POST", "/schedules/", 429, json=now)
    assert (await ada.json("GET", f"/schedules/{first}", 200))["timing"]["frequency"] == "once"


async def test_security_48_tests_are_limited_and_go_to_listed_domains(people: People) -> None:
    ada = await creator(people)
    made = await ada.json("POST", "/schedules/", 201, json={**SCHEDULE, "destinations": [MAIL]})
    path = f"/schedules/{made['id']}/test"
    problem = await ada.json("POST", path, 422, json={"to": "victim@evil.net"})
    assert refused(problem)[0] == "recipient_domains"
    trial: dict[str, Any] = {"connection": "corp-smtp", "to": "victim@evil.net"}
    assert refused(await ada.json("POST", "/distribution/test/email", 422, json=trial))[0] == "recipient_domains"
    await ada.json("POST", path, 202, json={"to": "bob@example.com"})
    # Prefect is down, so nothing leaves; it counts all the same, for it may have.
    await ada.json("POST", "/distribution/test/email", 503, json={**trial, "to": "bob@example.com"})
    assert refused(await ada.json("POST", path, 429)) == ("tests_an_hour", 2, 2)
    over = await ada.json("POST", "/distribution/test/email", 429, json={**trial, "to": "bob@example.com"})
    assert refused(over) == ("tests_an_hour", 2, 2)
    assert await _executions(people, ExecutionKind.TEST) == 1


async def test_security_48_previews_of_reports_are_limited(people: People) -> None:
    ada = await creator(people)
    await ada.json("GET", "/reports/orders/preview", 503)  # Prefect is down; the preview counts.
    assert refused(await ada.json("GET", "/reports/orders/preview", 429)) == ("previews_an_hour", 1, 1)


async def test_security_48_backfills_are_limited_by_what_they_run(people: People) -> None:
    ada = await creator(people)
    made = await ada.json("POST", "/schedules/", 201, json=SCHEDULE)
    path = f"/schedules/{made['id']}/backfill"
    four = {"from": "2026-11-01", "until": "2026-11-04"}
    assert refused(await ada.json("POST", path, 429, json=four)) == ("backfills_an_hour", 3, 0)
    await ada.json("POST", path, 202, json={**four, "until": "2026-11-02"})
    body = {"from": "2026-11-03", "until": "2026-11-04"}
    assert refused(await ada.json("POST", path, 429, json=body)) == ("backfills_an_hour", 3, 2)
    assert len((await ada.json("POST", path, 202, json={**body, "until": "2026-11-03"}))["executions"]) == 1
    assert await _executions(people, ExecutionKind.BACKFILL) == 3


async def test_a_repeated_request_is_counted_once(people: People) -> None:
    ada = await creator(people)
    made = await ada.json("POST", "/schedules/", 201, json=SCHEDULE)
    path, headers = f"/schedules/{made['id']}/run", {"Idempotency-Key": "same"}
    first = await ada.json("POST", path, 202, headers=headers)
    for _ in range(3):
        assert (await ada.json("POST", path, 202, headers=headers))["id"] == first["id"]
    used = {one["name"]: one["used"] for one in (await ada.json("GET", "/limits", 200))["limits"]}
    assert (used["runs_an_hour"], used["schedules"]) == (1, 1)


async def test_security_48_attempts_and_destinations_are_bounded(people: People) -> None:
    ada = await creator(people)
    for change, field in (
        ({"policy": {"max_attempts": 101}}, "policy.max_attempts"),
        ({"policy": {"expires_after": "P8D"}}, "policy.expires_after"),
        ({"destinations": [MAIL] * 51}, "destinations"),
        ({"destinations": [{**MAIL, "to": [f"p{n}@example.com" for n in range(101)]}]}, "destinations.0"),
    ):
        problem = await ada.json("POST", "/schedules/", 422, json={**SCHEDULE, **change})
        assert [fault["field"] for fault in problem["errors"]] == [field]
