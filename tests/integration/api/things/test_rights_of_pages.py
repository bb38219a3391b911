"""Say what a person may not do is not offered on these pages, and refused where it is asked for all the same."""

from __future__ import annotations

import pytest

from mailroom.roles import Role
from tests.integration.api.access.people import People
from tests.integration.api.conftest import Api
from tests.support.pages import HTML, read

ONLY_ADMINS = (
    "/connections/new",
    "/connections/new?kind=folder",
    "/connections/shared/edit",
    "/connections/shared/delete",
    "/calendars/new",
    "/calendars/office/edit",
    "/calendars/office/delete",
)
PAGES = ("/connections", "/connections/shared", "/reports", "/reports/orders", "/calendars", "/calendars/office")


@pytest.fixture
async def office(offline: Api) -> Api:
    """The API with a calendar, and a connection that creators may use."""
    await offline.json("POST", "/calendars", 201, json={"id": "office", "title": "Office"})
    await offline.json("PUT", "/connections/shared/grants", 200, json={"roles": ["creator"]})
    return offline


async def test_a_creator_looks_and_may_not_change(office: Api) -> None:
    people = People(office)
    creator = await people.person("cleo", Role.CREATOR)
    for path in PAGES:
        answer = await creator.http.get(path, headers=HTML)
        assert answer.status_code == 200, path
        page = read(answer).one("main")
        links = {one.attributes.get("href", "").partition("?")[0] for one in page.all("a")}
        assert not links & {one.partition("?")[0] for one in ONLY_ADMINS}, path
        assert "/api/v1" not in page.text
    shown = read(await creator.http.get("/connections", headers=HTML))
    assert {one.attributes["href"] for one in shown.one("tbody").all("a")} == {"/connections/shared"}
    assert "admin" in shown.one(class_="page-head").text.lower()
    one = read(await creator.http.get("/connections/shared", headers=HTML))
    assert (bool(one.all(id="grants")), bool(one.all("dl", class_="summary"))) == (False, False)
    for path in ONLY_ADMINS:
        assert (await creator.http.get(path, headers=HTML)).status_code == 403, path
    for path in ("/connections/shared/grants", "/connections/shared/enable", "/calendars/office/edit"):
        assert (await creator.http.post(path, headers=HTML)).status_code == 403, path
    hidden = await creator.http.get("/connections/corp-smtp", headers=HTML)
    assert hidden.status_code == 404
    for client in people.clients:
        await client.aclose()


async def test_a_viewer_sees_none_of_it(office: Api) -> None:
    people = People(office)
    viewer = await people.person("vera", Role.VIEWER)
    for path in (*PAGES, "/reports/orders/picture", "/reports/orders/preview"):
        assert (await viewer.http.get(path, headers=HTML)).status_code == 403, path
    for client in people.clients:
        await client.aclose()


async def test_who_may_use_a_connection_is_said_by_address(office: Api) -> None:
    people = People(office)
    creator = await people.person("cleo", Role.CREATOR)
    team = await people.team("sales")
    page = read(await office.http.get("/connections/shared", headers=HTML))
    assert page.one("input", name="roles").attributes["value"] == "creator"
    wrong = await office.http.post(
        "/connections/shared/grants", data={"users": "cleo@example.com\nnobody@example.com"}, headers=HTML
    )
    assert (wrong.status_code, "nobody@example.com" in read(wrong).one(id="users-error").text) == (422, True)
    right = {"users": "CLEO@example.com", "teams": team}
    assert (await office.http.post("/connections/shared/grants", data=right, headers=HTML)).status_code == 303
    kept = await office.json("GET", "/connections/shared/grants", 200)
    assert kept == {"users": [creator.id], "teams": [team], "roles": []}
    for client in people.clients:
        await client.aclose()
