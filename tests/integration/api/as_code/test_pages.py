"""What pages say of objects that come from code, and how they show any object as code."""

from __future__ import annotations

import yaml

from tests.integration.api.as_code.test_apply import apply
from tests.integration.api.conftest import Api
from tests.support import documents


async def test_a_schedule_is_shown_and_downloaded_as_the_document_that_applies_to_it(offline: Api) -> None:
    row = await offline.json("POST", "/schedules/", 201, json=documents.schedule()["spec"])
    page = await offline.http.get(f"/schedules/{row['id']}/code")
    assert page.status_code == 200
    assert "schedules/daily-orders.yaml" in page.text
    answer = await offline.http.get(f"/schedules/{row['id']}/code?download=1")
    assert answer.headers["content-disposition"] == 'attachment; filename="daily-orders.yaml"'
    applied = await apply(offline, yaml.safe_load(answer.text))
    assert [(one["outcome"], one["id"]) for one in applied["items"]] == [("adopted", row["id"])]


async def test_an_object_from_code_says_so_and_warns_whoever_edits_it(offline: Api) -> None:
    await apply(offline, documents.schedule(), documents.calendar(), documents.report(), source="reports@4f2a1c")
    (row,) = (await offline.json("GET", "/schedules/", 200))["items"]
    for path in (f"/schedules/{row['id']}", "/reports/orders", "/reports/orders/code"):
        page = (await offline.http.get(path)).text
        assert "From code" in page, path
        assert "reports@4f2a1c" in page, path
    for path in (f"/schedules/{row['id']}/edit", "/calendars/office/edit"):
        page = (await offline.http.get(path)).text
        assert "mailroom apply" in page, path
        assert "reports@4f2a1c" in page, path


async def test_what_people_made_says_nothing_of_code(offline: Api) -> None:
    row = await offline.json("POST", "/schedules/", 201, json=documents.schedule()["spec"])
    for path in (f"/schedules/{row['id']}", f"/schedules/{row['id']}/edit", "/reports/orders"):
        assert "From code" not in (await offline.http.get(path)).text
