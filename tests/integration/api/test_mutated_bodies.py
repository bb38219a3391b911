"""Bodies with a value in the wrong place: whatever it is, it is read or refused, never an error of ours."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

COUNT = 150
CALENDAR = {
    "title": "Office",
    "country": "DE",
    "subdivision": "BY",
    "weekend": ["sat", "sun"],
    "holidays": [{"date": "2026-12-24", "name": "Christmas Eve"}],
    "working_days": ["2026-12-27"],
}
TIMINGS: list[dict[str, Any]] = [
    {"frequency": "daily", "at": "09:00", "starts_on": "2026-01-01", "calendar": "office", "on_holiday": "next"},
    {"frequency": "weekly", "days": ["mon"], "at": "02:30", "timezone": "America/New_York"},
    {"frequency": "monthly", "day": {"business_day": -1}, "at": "23:59", "timezone": "Pacific/Apia"},
    {"frequency": "cron", "expression": "0 9 * * mon#1", "timezone": "UTC"},
    {"frequency": "quarterly", "month_of_quarter": 2, "day": 31, "at": "00:00", "timezone": "Asia/Tokyo"},
    {"frequency": "yearly", "month": 2, "day": 29, "at": "00:00", "timezone": "Africa/Casablanca"},
    {"frequency": "once", "at": "2030-01-01T00:00", "timezone": "UTC"},
]
HOURLY = {"frequency": "hourly", "every": 3, "from": "01:00", "until": "22:00", "days": ["sun"], "timezone": "UTC"}
WRONG: list[Any] = [
    *(None, True, -1, 0, 1.5, -0.0, 2**63, 10**30, 1e308, [], {}, [[]], {"a": {"b": []}}, ["mon"] * 7, "a" * 3000),
    *("", " ", "1", "NaN", "{", "{}", "\0", "\u202e", "\ud800", "９９:００", "24:00", "../../x", "/etc", "x@y"),
    *("9999-12-31T23:59", "2999-12-31", "1970-01-01", "P9999Y", "PT1000000000000H", "{report_name.__class__}"),
    *("L", "5#5", "* * * * *", "0 0 31 2 *", "0 0 29 2 *", "@daily", "posixrules", "Factory", "localtime"),
    *("email", "folder", "cron", "yearly", "all", "cancel_other", {"nth": 5, "weekday": "mon"}, {"business_day": 15}),
]


def _places(node: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place of a body that a value can be put into."""
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield (*above, key)
            yield from _places(value, (*above, key))


def _mutated(body: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """A copy of the body with one or two values changed."""
    changed = copy.deepcopy(body)
    for _ in range(chance.choice([1, 1, 2])):
        *path, last = chance.choice(list(_places(changed)))
        node: Any = changed
        for key in path:
            node = node[key]
        node[last] = copy.deepcopy(chance.choice(WRONG))
    return changed


async def _ask(api: Api, method: str, path: str, body: dict[str, Any]) -> tuple[int, str]:
    headers = {"Content-Type": "application/json"}
    answer = await api.http.request(method, f"/api/v1{path}", content=json.dumps(body), headers=headers)
    return answer.status_code, answer.text


async def test_no_mutated_body_is_an_error_of_ours(
    either: Api, schedule_body: dict[str, Any], report_body: dict[str, Any]
) -> None:
    """The same bodies in every run: the seed is fixed."""
    chance = random.Random(20261125)
    await either.json("POST", "/calendars", 201, json={"id": "office", **CALENDAR})
    path = f"/schedules/{(await either.json('POST', '/schedules/', 201, json=schedule_body))['id']}"
    mail = {"channel": "email", "connection": "corp-smtp", "to": ["ada@example.com"], "subject": "{report_name} {date}"}
    policy = {"overlap": "skip", "catchup": "latest", "expires_after": "PT4H", "jitter": "PT5M", "max_attempts": 8}
    failed = []
    for number in range(COUNT):
        destinations = [*schedule_body["destinations"], mail]
        schedule = {**schedule_body, "timing": chance.choice(TIMINGS), "policy": policy, "destinations": destinations}
        choices: list[tuple[str, str, dict[str, Any]]] = [
            ("POST", "/schedules/", schedule),
            ("PUT", path, schedule),
            ("PATCH", path, schedule),
            ("POST", "/schedules/preview", {"count": 5, **schedule}),
            ("POST", f"{path}/backfill", {"from": "2026-11-01", "until": "2026-11-07", "dry_run": True}),
            ("POST", "/reports", {**report_body, "id": f"report-{number}"}),
            ("PUT", "/reports/orders", report_body),
            ("POST", "/calendars", {"id": f"calendar-{number}", **CALENDAR}),
            ("PUT", "/calendars/office", CALENDAR),
        ]
        method, where, body = chance.choice(choices)
        asked = _mutated(body, chance)
        status, text = await _ask(either, method, where, asked)
        if status >= 500:
            failed.append((method, where, asked, text))
    assert failed == []


@pytest.mark.parametrize(("method", "path"), [("POST", "/schedules/"), ("POST", "/schedules/preview")])
@pytest.mark.parametrize("change", [{"from": 0}, {"until": 3600}], ids=str)
async def test_hours_of_two_kinds_are_refused(
    offline: Api, schedule_body: dict[str, Any], method: str, path: str, change: dict[str, Any]
) -> None:
    status, text = await _ask(offline, method, path, {**schedule_body, "timing": {**HOURLY, **change}})
    assert status == 422, text
