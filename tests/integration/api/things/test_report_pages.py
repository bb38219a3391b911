"""The pages of reports: the catalog, one with its data to look at, and its picture."""

from __future__ import annotations

from typing import Any

from tests.integration.api.conftest import Api
from tests.support.pages import HTML, read


async def test_the_catalog_is_searched_and_says_who_uses_each(offline: Api, schedule_body: dict[str, Any]) -> None:
    await offline.json("POST", "/schedules/", 201, json=schedule_body)
    page = read(await offline.http.get("/reports?search=orders", headers=HTML))
    (card,) = page.all("li", class_="report-card")
    assert card.one("a").attributes["href"] == "/reports/orders"
    assert "CSV, HTML" in card.text
    assert "1 schedule" in card.text
    none = read(await offline.http.get("/reports?search=nothing", headers=HTML))
    assert "/reports" in {one.attributes["href"] for one in none.one(class_="empty").all("a")}


async def test_the_data_are_shown_in_a_frame_where_nothing_runs(online: Api) -> None:
    start = read(await online.http.get("/reports/orders?param.region=EMEA", headers=HTML))
    form = next(one for one in start.all("form") if one.attributes["action"].endswith("/preview"))
    assert form.fields()["parameters-region"] == "EMEA"
    made = await online.http.post("/reports/orders/preview", data=form.fields(), headers=HTML)
    assert made.status_code == 303
    page = read(await online.http.get(made.headers["Location"], headers=HTML))
    frame = page.one("iframe")
    assert frame.attributes["sandbox"] == ""
    href = {one.attributes["href"] for one in page.all("a", class_="primary")}
    assert any(one.startswith("/schedules/new?report=orders&param.region=EMEA") for one in href)

    kept = online.app.state.services.shown
    assert len(kept) == 1, "the frame does not render it again"
    for _ in range(2):
        shown = await online.http.get(frame.attributes["src"], headers=HTML)
        kept.clear()
        assert (shown.status_code, "EMEA" in shown.text, "APAC" in shown.text) == (200, True, False)
        policy = shown.headers["Content-Security-Policy"]
        assert policy.startswith("sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'")
        assert "frame-ancestors 'self'" in policy
        assert "X-Frame-Options" not in shown.headers


async def test_wrong_parameters_and_a_source_that_fails_are_said_on_the_page(online: Api) -> None:
    wrong = {"parameters-region": "EMEA", "parameters-least": "-1"}
    refused = await online.http.post("/reports/orders/preview", data=wrong, headers=HTML)
    assert (refused.status_code, bool(read(refused).all(id="parameters-least-error"))) == (422, True)
    gone = {"kind": "sql", "settings": {"url": "sqlite:////nowhere/at/all.db"}}
    await online.json("PUT", "/connections/warehouse", 200, json=gone)
    failed = await online.http.post("/reports/orders/preview", data={"parameters-least": "0"}, headers=HTML)
    page = read(failed)
    assert (failed.status_code, len(page.all("iframe"))) == (422, 0)
    assert page.one(class_="bad").one("h3").text
    alone = await online.http.get("/reports/orders/preview", headers=HTML)
    assert (alone.status_code, bool(read(alone).one("h1").text)) == (422, True)
    assert "X-Frame-Options" not in alone.headers


async def test_a_picture_is_cached_for_its_reader_alone(online: Api) -> None:
    sketch = await online.http.get("/reports/orders/picture")
    assert (sketch.headers["Content-Type"], sketch.headers["Cache-Control"]) == ("image/svg+xml", "private, no-cache")
    await online.app.state.services.painter.settled()
    picture = await online.http.get("/reports/orders/picture")
    assert (picture.headers["Content-Type"], picture.content[:4]) == ("image/png", b"\x89PNG")
    assert picture.headers["Cache-Control"] == "private, max-age=600"
    again = await online.http.get("/reports/orders/picture", headers={"If-None-Match": picture.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await online.http.get("/reports/none/picture")).status_code == 404
