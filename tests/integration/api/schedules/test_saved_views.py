"""Saved views: each user's own, one of a name, and only what the page knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailroom.roles import Role
from mailroom.schedules.listing.saved import MOST

if TYPE_CHECKING:
    from tests.integration.api.access.people import People
    from tests.integration.api.conftest import Api

VIEWS = "/schedules/views"


async def test_one_of_the_same_name_gets_the_new_query(either: Api) -> None:
    first = await either.json("POST", VIEWS, 201, json={"name": "Mine", "query": "?view=failing&to=email&state="})
    again = await either.json("POST", VIEWS, 201, json={"name": "Mine", "query": "due=today"})
    assert (first["id"], first["query"], again["query"]) == (again["id"], "view=failing&to=email", "due=today")
    assert [one["id"] for one in (await either.json("GET", VIEWS, 200))["items"]] == [first["id"]]
    await either.json("DELETE", f"{VIEWS}/{first['id']}", 204)
    await either.json("DELETE", f"{VIEWS}/{first['id']}", 404)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "", "query": ""}, "name"),
        ({"name": "x" * 61, "query": ""}, "name"),
        ({"name": "a\nb", "query": ""}, "name"),
        ({"name": "a", "query": "cursor=abc"}, "query"),
        ({"name": "a", "query": "q" * 1001}, "query"),
        ({"name": "a"}, "query"),
    ],
)
async def test_a_wrong_view_is_refused(offline: Api, body: dict[str, str], field: str) -> None:
    problem = await offline.json("POST", VIEWS, 422, json=body)
    assert field in {error["field"] for error in problem["errors"]}


async def test_there_is_an_end(offline: Api) -> None:
    for number in range(MOST):
        await offline.json("POST", VIEWS, 201, json={"name": f"View {number}", "query": ""})
    await offline.json("POST", VIEWS, 409, json={"name": "One more", "query": ""})
    await offline.json("POST", VIEWS, 201, json={"name": "View 0", "query": "due=week"})


async def test_they_are_each_ones_own_also_a_viewers(people: People) -> None:
    viewer = await people.person("vera", Role.VIEWER)
    made = await viewer.json("POST", VIEWS, 201, json={"name": "Hers", "query": "view=failing"})
    assert (await people.api.json("GET", VIEWS, 200))["items"] == []
    await people.api.json("DELETE", f"{VIEWS}/{made['id']}", 404)
    await viewer.json("DELETE", f"{VIEWS}/{made['id']}", 204)
