"""The catalog of reports: who answers for each, how many schedules use it, what has changed, and its picture."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from api.actions.caller import Caller
from api.actions.reports.pictures import picture
from mailroom.access.service import ensure_default_user
from mailroom.context import Context
from mailroom.storage.tables import User
from tests.integration.api.conftest import Api

PNG = b"\x89PNG\r\n\x1a\n"


async def test_the_list_says_what_people_choose_by(either: Api, schedule_body: dict[str, Any]) -> None:
    await either.json("POST", "/schedules/", 201, json=schedule_body)
    (listed,) = (await either.json("GET", "/reports?search=ORD", 200))["items"]
    assert (listed["formats"], listed["used_by"], listed["owner"]) == (["csv", "html"], 1, "")
    assert (await either.json("GET", "/reports?search=100%25", 200))["items"] == []
    assert (await either.json("GET", "/reports/orders", 200))["used_by"] == 1


async def test_the_versions_of_a_report_say_who_has_changed_what(online: Api, report_body: dict[str, Any]) -> None:
    await online.json("PUT", "/reports/orders", 200, json={**report_body, "description": "By region."})
    newer, first = (await online.json("GET", "/reports/orders/versions", 200))["items"]
    assert (newer["first"], newer["changed"], first["first"], first["changed"]) == (False, ["description"], True, [])
    assert newer["version"] == (await online.json("GET", "/reports/orders", 200))["version"]
    await online.json("GET", "/reports/none/versions", 404)


@pytest.fixture
async def caller(online: Api) -> Caller:
    """An admin who acts in this process."""
    now = datetime.now(UTC)
    async with online.database.session() as session:
        user: User = await ensure_default_user(session, now, online.settings)
    return Caller(online.app.state.services, Context(user, now, online.settings))


async def test_the_picture_of_a_report_is_made_behind_its_readers_back(online: Api, caller: Caller) -> None:
    definition, none = await picture(caller, "orders")
    assert (definition.id, none) == ("orders", None)
    await online.app.state.services.painter.settled()
    _, made = await picture(caller, "orders")
    assert made is not None
    assert (made[:8], len(made) < 60_000) == (PNG, True)
    used = (await online.json("GET", "/audit?entity_type=connection&entity_id=warehouse&action=used", 200))["items"]
    assert [(one["actor"], one["detail"]["purpose"]) for one in used] == [("mailroom", "picture")]


async def test_a_report_that_needs_parameters_has_no_picture(
    online: Api, caller: Caller, report_body: dict[str, Any]
) -> None:
    report_body["parameters"]["required"] = ["region"]
    del report_body["parameters"]["properties"]["region"]["default"]
    await online.json("PUT", "/reports/orders", 200, json=report_body)
    for _ in range(2):
        _, none = await picture(caller, "orders")
        await online.app.state.services.painter.settled()
    assert none is None
