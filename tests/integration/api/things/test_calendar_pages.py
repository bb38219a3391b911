"""The pages of calendars: the list, a new one, its year, a change with its effect, and its deletion."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.api.conftest import Api
from tests.support.pages import HTML, read


async def test_three_to_start_from_where_there_are_none(offline: Api) -> None:
    page = read(await offline.http.get("/calendars", headers=HTML))
    starts = [one.attributes["href"] for one in page.one("ul", class_="grid").all("a")]
    assert len(starts) == 3
    for start in starts:
        assert read(await offline.http.get(start, headers=HTML)).all("form")


async def test_a_calendar_is_made_shown_changed_and_deleted(offline: Api, schedule_body: dict[str, Any]) -> None:
    off = datetime.now(UTC).date() + timedelta(days=30)
    form = {"title": "Office", "id": "office", "place": "DE-BY", "weekend": ["sat", "sun"], "working_days": ""}
    wrong = {**form, "holidays": "2026-13-40 Never\n2026-12-24 Closed"}
    refused = await offline.http.post("/calendars/new", data=wrong, headers=HTML)
    page = read(refused)
    assert (refused.status_code, "Line 1" in page.one(id="holidays-error").text) == (422, True)
    assert page.all("form")[-1].fields()["holidays"] == wrong["holidays"]
    made = await offline.http.post("/calendars/new", data={**form, "holidays": "2026-12-24 Closed"}, headers=HTML)
    assert (made.status_code, made.headers["Location"]) == (303, "/calendars/office")
    again = await offline.http.post("/calendars/new", data={**form, "holidays": ""}, headers=HTML)
    assert again.status_code == 409

    page = read(await offline.http.get("/calendars/office?year=2026", headers=HTML))
    january = page.all("table", class_="month")[0]
    assert january.one("caption").text == "January"
    assert next(one.one(class_="visually-hidden").text for one in january.all("th")) == "Monday"
    assert "Epiphany" in {one.attributes["title"].partition(": ")[2] for one in january.all("td", class_="holiday")}
    assert page.all("table", class_="month")[11].all("td", title="Thursday 24 December 2026: Closed")

    timing = {"frequency": "daily", "at": "09:00", "timezone": "UTC", "calendar": "office", "on_holiday": "skip"}
    await offline.json("POST", "/schedules/", 201, json={**schedule_body, "timing": timing})
    edit = read(await offline.http.get("/calendars/office/edit", headers=HTML)).all("form")[-1].fields()
    change = {**form, "etag": edit["etag"], "place": "", "weekend": [], "holidays": f"{off.isoformat()} Off"}
    effect = await offline.http.post("/calendars/office/edit", data=change, headers=HTML)
    page = read(effect)
    assert (effect.status_code, page.one("h1").text) == (200, "This moves 1 schedule")
    assert (await offline.json("GET", "/calendars/office", 200))["country"] == "DE"
    confirmed = page.all("form")[-1].fields()
    back = read(await offline.http.post("/calendars/office/edit", data={**confirmed, "again": "yes"}, headers=HTML))
    assert back.all("form")[-1].fields()["holidays"] == change["holidays"]
    saved = await offline.http.post("/calendars/office/edit", data=confirmed, headers=HTML)
    assert saved.status_code == 303
    assert (await offline.json("GET", "/calendars/office", 200))["weekend"] == []
    stale = await offline.http.post("/calendars/office/edit", data=change, headers=HTML)
    assert (stale.status_code, bool(read(stale).all(class_="error-summary"))) == (409, True)

    kept = await offline.http.post("/calendars/office/delete", headers=HTML)
    assert kept.status_code == 409
    assert read(kept).one("main").all("li")
    await offline.json("GET", "/calendars/office/uses", 200)
