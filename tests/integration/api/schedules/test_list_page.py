"""The home page over the real application: rows, filters, live part, bulk actions with undo, rights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailroom.roles import Role
from mailroom.states import ExecutionState, ScheduleState
from mailroom.storage.tables import Schedule
from tests.integration.api.schedules.conftest import make, ran
from tests.integration.api.test_lists import counted
from tests.support.pages import HTML, Element, read

if TYPE_CHECKING:
    import httpx

    from tests.integration.api.access.people import People
    from tests.integration.api.conftest import Api

E = ExecutionState
PART = {**HTML, "HX-Request": "true", "HX-Request-Type": "partial"}


def names(page: Element) -> list[str]:
    """Return the names of the rows."""
    return [one.one("a").text for one in page.all("th", class_="name")]


def form(page: Element) -> dict[str, str]:
    """Return what the form around the rows sends as it stands."""
    return page.one("form", id="rows").fields()


async def states(api: Api, *ids: str) -> list[ScheduleState]:
    async with api.database.session() as session:
        return [row.state for one in ids if (row := await session.get(Schedule, one)) is not None]


async def test_the_page_shows_what_fails_first(offline: Api, schedule_body: dict[str, Any]) -> None:
    hostile = '<b onclick="x">"&\' أحمد'
    ids = {name: await make(offline, schedule_body, name) for name in ("alpha", hostile, "gamma")}
    await ran(offline, ids["gamma"], E.SUCCESS, E.PARTIAL)
    page = read(await offline.http.get("/schedules", headers=HTML))
    assert names(page)[0] == "gamma"
    assert set(names(page)) == {"alpha", hostile, "gamma"}
    assert page.one("title").text.startswith("1 failing · ")
    first = page.one("tr", id=f"s-{ids['gamma']}")
    assert first.one("svg", class_="strip").attributes["aria-label"] == "Last 2: 1 delivered, 1 partly delivered"
    links = {one.attributes["href"] for one in first.all("a")}
    assert {f"/schedules/{ids['gamma']}", f"/schedules/{ids['gamma']}/run", f"/schedules/{ids['gamma']}/edit"} <= links
    last = await offline.http.get(f"/schedules/{ids['gamma']}/last", headers=HTML)
    (run,) = (await offline.json("GET", "/schedules/executions?status=partial", 200))["items"]
    assert last.headers["Location"] == f"/executions/{run['id']}"
    assert last.request.url.path in links
    none = await offline.http.get(f"/schedules/{ids['alpha']}/last", headers=HTML)
    assert none.headers["Location"] == f"/schedules/{ids['alpha']}"
    sorted_by = [one.attributes.get("aria-sort", "") for one in page.all("th", scope="col")]
    assert sorted_by.count("ascending") == 1
    filtered = read(await offline.http.get("/schedules?search=ALPH&to=folder&sort=name", headers=HTML))
    assert names(filtered) == ["alpha"]
    chosen = filtered.one("form", id="filters").fields()
    assert (chosen["search"], chosen["to"], chosen["sort"]) == ("ALPH", "folder", "name")
    empty = read(await offline.http.get("/schedules?view=mine&recipient=nobody@example.com", headers=HTML))
    assert empty.one(class_="empty").one("a").attributes["href"] == "/schedules?view=mine"


async def test_pages_follow_one_another(offline: Api, schedule_body: dict[str, Any]) -> None:
    first = await make(offline, schedule_body, "copy")
    async with offline.database.session() as session:
        row = await session.get(Schedule, first)
        values = {column.key: getattr(row, column.key) for column in Schedule.__table__.columns}
        session.add_all([Schedule(**{**values, "id": f"copy-{number:02}"}) for number in range(59)])
    with counted(offline) as statements:
        answer = await offline.http.get("/schedules", headers=HTML)
    assert len(statements) < 25, statements
    page = read(answer)
    seen = [one.attributes["id"] for one in page.all("tr") if "id" in one.attributes]
    (following,) = page.one("nav", aria_label="Pages").all("a")
    last = read(await offline.http.get(following.attributes["href"], headers=HTML))
    seen += [one.attributes["id"] for one in last.all("tr") if "id" in one.attributes]
    assert (len(seen), len(set(seen))) == (60, 60)
    assert last.one("nav", aria_label="Pages").one("a").attributes["href"] == "/schedules"


async def test_a_poll_answers_only_when_something_is_new(offline: Api, schedule_body: dict[str, Any]) -> None:
    made = await make(offline, schedule_body, "alpha")
    region = read(await offline.http.get("/schedules?search=a", headers=HTML)).one(id="list")
    again = region.attributes["hx-get"]
    assert region.attributes["hx-trigger"] == "every 60s"
    assert (await offline.http.get(again, headers=PART)).status_code == 204
    await ran(offline, made, E.FAILED)
    part = await offline.http.get(again, headers=PART)
    assert (part.status_code, part.text.lstrip()[:14]) == (200, '<div id="list"')
    assert "HX-Request-Type" in part.headers["Vary"]
    assert (await offline.http.get(read(part).one(id="list").attributes["hx-get"], headers=PART)).status_code == 204


async def test_what_is_ticked_is_paused_and_undone(
    offline: Api, browser: httpx.AsyncClient, schedule_body: dict[str, Any]
) -> None:
    ids = [await make(offline, schedule_body, name) for name in ("alpha", "beta", "gamma")]
    page = read(await browser.get("/schedules?sort=name"))
    sent = {**form(page), "ids-": ids[:2], "action": "pause"}
    answer = await browser.post("/schedules/bulk", data=sent)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/schedules?sort=name")
    assert await states(offline, *ids) == ["paused", "paused", "active"]
    again = await browser.post("/schedules/bulk", data=sent)
    assert again.status_code == 303
    told = read(await browser.get("/schedules")).one(id="notices")
    undo = next(one for one in told.all("form") if one.attributes["action"] == "/schedules/bulk/undo")
    shown = read(await browser.get(told.all("a")[0].attributes["href"]))
    assert {one.text for one in shown.one("main").all("a")} >= {"alpha", "beta"}
    assert (await browser.post("/schedules/bulk/undo", data=undo.fields())).status_code == 303
    assert await states(offline, *ids) == ["active"] * 3
    told = read(await browser.get("/schedules")).one(id="notices")
    assert not [one for one in told.all("form") if one.attributes["action"] == "/schedules/bulk/undo"]
    audit = await offline.json("GET", "/audit?entity_type=schedule&limit=50", 200)
    assert [one["action"] for one in audit["items"]].count("paused") == 2, "the second click did nothing"


async def test_all_that_match_are_deleted_and_come_back(
    offline: Api, browser: httpx.AsyncClient, schedule_body: dict[str, Any]
) -> None:
    ids = [await make(offline, schedule_body, name) for name in ("sales north", "sales south", "stock")]
    page = read(await browser.get("/schedules?search=sales"))
    sent = {**form(page), "ids-": ids[:1], "all": "on", "action": "delete"}
    assert (await browser.post("/schedules/bulk", data=sent)).status_code == 303
    assert await states(offline, *ids) == ["deleted", "deleted", "active"]
    page = read(await browser.get("/schedules"))
    assert names(page) == ["stock"]
    undo = next(one for one in page.all("form") if one.attributes["action"] == "/schedules/bulk/undo")
    await browser.post("/schedules/bulk/undo", data=undo.fields())
    assert await states(offline, *ids) == ["active"] * 3


async def test_a_later_action_takes_the_undo_of_an_earlier_one_away(
    offline: Api, browser: httpx.AsyncClient, schedule_body: dict[str, Any]
) -> None:
    ids = [await make(offline, schedule_body, name) for name in ("alpha", "beta", "gamma")]

    async def offers() -> list[str]:
        told = read(await browser.get("/schedules")).one(id="notices").all("form")
        return [one.attributes["action"] for one in told if "close" not in one.attributes["action"]]

    for action, chosen in (("pause", ids[:2]), ("pause", ids[2:]), ("delete", ids[:1])):
        sent = {**form(read(await browser.get("/schedules"))), "ids-": chosen, "action": action}
        await browser.post("/schedules/bulk", data=sent)
    assert await offers() == ["/schedules/bulk/undo"] * 2, "that of the first one would undo the last one as well"
    sent = {**form(read(await browser.get("/schedules"))), "ids-": ids[1:], "action": "delete"}
    await browser.post("/schedules/bulk", data=sent)
    assert len(await offers()) == 2
    assert await states(offline, *ids) == ["deleted"] * 3


async def test_who_comes_back_to_the_question_about_many_finds_the_list(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/schedules/bulk")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/schedules")


async def test_a_button_of_a_row_pressed_twice_does_it_once(
    offline: Api, browser: httpx.AsyncClient, schedule_body: dict[str, Any]
) -> None:
    ids = [await make(offline, schedule_body, name) for name in ("alpha", "beta")]
    sent = form(read(await browser.get("/schedules")))
    for one in (ids[0], ids[0], ids[1]):
        assert (await browser.post(f"/schedules/{one}/test", data=sent)).status_code == 303
    runs = (await offline.json("GET", "/schedules/executions", 200))["items"]
    assert sorted(one["schedule_id"] for one in runs) == sorted(ids)


async def test_a_run_is_asked_for_and_what_fails_is_named(
    offline: Api, browser: httpx.AsyncClient, schedule_body: dict[str, Any]
) -> None:
    ids = [await make(offline, schedule_body, name) for name in ("alpha", "beta")]
    await offline.json("POST", f"/schedules/{ids[1]}/pause", 200)
    sent = {**form(read(await browser.get("/schedules"))), "ids-": ids, "action": "run"}
    asking = read(await browser.post("/schedules/bulk", data=sent))
    assert (await offline.json("GET", "/schedules/executions", 200))["items"] == []
    confirm = next(one for one in asking.all("form") if one.attributes["action"] == "/schedules/bulk")
    sent = {**confirm.fields(), "ids-": [*ids, "gone"]}
    answer = await browser.post("/schedules/bulk", data=sent)
    assert answer.headers["Location"].startswith("/schedules/bulk/")
    runs = (await offline.json("GET", "/schedules/executions", 200))["items"]
    assert [(one["schedule_id"], one["kind"]) for one in runs] == [(ids[0], "run_now")]
    text = read(await browser.get(answer.headers["Location"])).one("main").text
    assert "beta" in text
    assert "There is no schedule gone." in text
    assert "/api/" not in text
    assert (await browser.post("/schedules/bulk", data=sent)).headers["Location"] == answer.headers["Location"]
    assert len((await offline.json("GET", "/schedules/executions", 200))["items"]) == 1
    assert (await browser.get("/schedules/bulk/page-unknown")).status_code == 404


async def test_they_get_another_owner_and_go_back(
    offline: Api, browser: httpx.AsyncClient, people: People, schedule_body: dict[str, Any]
) -> None:
    made, bob = await make(offline, schedule_body, "alpha"), await people.person("bob", Role.ADMIN)
    before = (await offline.json("GET", f"/schedules/{made}", 200))["owner"]
    sent = {**form(read(await browser.get("/schedules"))), "ids-": made, "action": "reassign"}
    page = read(await browser.post("/schedules/bulk", data=sent))
    confirm = next(one for one in page.all("form") if one.attributes["action"] == "/schedules/bulk").fields()
    missing = await browser.post("/schedules/bulk", data={**confirm, "to": ""})
    assert (missing.status_code, bool(read(missing).all(id="to-error"))) == (422, True)
    assert (await browser.post("/schedules/bulk", data={**confirm, "to": bob.id})).status_code == 303
    assert (await offline.json("GET", f"/schedules/{made}", 200))["owner"] == bob.id
    told = read(await browser.get("/schedules"))
    undo = next(one for one in told.all("form") if one.attributes["action"] == "/schedules/bulk/undo")
    await browser.post("/schedules/bulk/undo", data=undo.fields())
    assert (await offline.json("GET", f"/schedules/{made}", 200))["owner"] == before


async def test_without_a_tick_or_an_action_it_says_what_to_do(
    offline: Api, browser: httpx.AsyncClient, schedule_body: dict[str, Any]
) -> None:
    made = await make(offline, schedule_body, "alpha")
    for sent in ({"action": "pause"}, {"action": "", "ids-": made}, {"action": "explode", "ids-": made}):
        fields = {**form(read(await browser.get("/schedules"))), **sent}
        assert (await browser.post("/schedules/bulk", data=fields)).status_code == 303
        assert read(await browser.get("/schedules")).one(id="notices").one(class_="warn").text
    assert await states(offline, made) == ["active"]


async def test_a_view_is_saved_shown_and_deleted(offline: Api, browser: httpx.AsyncClient) -> None:
    page = read(await browser.get("/schedules?view=failing&to=folder"))
    saving = next(one for one in page.all("form") if one.attributes["action"] == "/schedules/views")
    answer = await browser.post("/schedules/views", data={**saving.fields(), "name": "Failing files"})
    page = read(await browser.get(answer.headers["Location"]))
    current = page.one("nav", aria_label="Views").one("a", aria_current="page")
    assert (current.text, current.attributes["href"]) == ("Failing files", "/schedules?view=failing&to=folder")
    removal = next(one for one in page.one(id="list").all("form") if one.attributes["action"].endswith("/delete"))
    await browser.post(removal.attributes["action"], data=removal.fields())
    assert "Failing files" not in read(await browser.get("/schedules")).one("nav", aria_label="Views").text
    bad = await browser.post("/schedules/views", data={**saving.fields(), "name": ""})
    assert bad.status_code == 303
    assert read(await browser.get("/schedules")).one(id="notices").all(class_="bad")


async def test_who_may_only_look_is_offered_nothing_and_told_who_can(
    people: People, schedule_body: dict[str, Any]
) -> None:
    made = await make(people.api, schedule_body, "alpha")
    viewer = await people.person("vera", Role.VIEWER)
    await people.api.json("PUT", f"/schedules/{made}/shares", 200, json={"users": [viewer.id]})
    page = read(await viewer.http.get("/schedules", headers=HTML))
    assert names(page) == ["alpha"]
    assert not [*page.all(class_="tick"), *page.all(class_="bulk"), *page.all("button", popovertarget=f"m-{made}")]
    assert "admins" in page.one(id="list").text
    refused = await viewer.http.post("/schedules/bulk", data={"action": "pause", "ids-": made}, headers=HTML)
    assert refused.status_code == 403
    assert await states(people.api, made) == ["active"]
