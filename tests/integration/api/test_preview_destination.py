"""The live preview of a destination: what the next delivery would say, and what is wrong, each with its place."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from mailroom.storage.tables import Schedule
from tests.integration.api.conftest import SCHEDULE, Api

MAIL: dict[str, Any] = {"channel": "email", "connection": "corp-smtp", "to": ["ada@example.com"]}
TIMING = {"frequency": "once", "at": "2090-03-06T09:00", "timezone": "Europe/Berlin"}


async def shown(api: Api, destination: dict[str, Any], status: int = 200, **more: Any) -> Any:
    body = {"report_id": SCHEDULE["report_id"], "timing": TIMING, "destination": destination, **more}
    return await api.json("POST", "/distribution/preview", status, json=body)


async def test_subject_and_text_have_the_values_of_the_next_due_time(offline: Api) -> None:
    mail = {**MAIL, "subject": "{schedule_name}: {date:%d.%m.%Y} {time}", "text": "Dear {param_region},\n\n{{x}}"}
    found = await shown(offline, mail, name="Weekly", parameters={"region": "EMEA"})
    assert found["texts"] == {"subject": "Weekly: 06.03.2090 09:00", "text": "Dear EMEA,\n\n{x}"}
    assert (found["due_local"], found["faults"]) == ("2090-03-06T09:00:00+01:00", [])
    async with offline.database.session() as session:
        assert await session.scalar(select(func.count()).select_from(Schedule)) == 0


async def test_each_file_has_its_path(offline: Api) -> None:
    folder = {"channel": "folder", "connection": "shared", "path": "{date:%Y/%m}/{report_slug}-{param_region}.{ext}"}
    found = await shown(offline, folder, formats=["csv"], parameters={"region": "EMEA"})
    slug = SCHEDULE["report_id"]
    assert [one["texts"] for one in found["files"]] == [{"path": f"2090/03/{slug}-EMEA.csv"}]
    assert found["faults"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"subject": "{no_such}"}, "destination.subject"),
        ({"subject": "{param_no_such}"}, "destination.subject"),
        ({"subject": "{date:%q}"}, "destination.subject"),
        ({"subject": "{file_name}"}, "destination.subject"),
        ({"subject": "{date.__class__}"}, "destination.subject"),
        ({"to": ["nobody"]}, "destination.to"),
        ({"to": []}, "destination"),
        ({"connection": "Not A Slug"}, "destination.connection"),
        ({"sbject": "x"}, "destination.sbject"),
    ],
)
async def test_a_fault_has_its_place_and_hides_nothing_else(offline: Api, change: dict[str, Any], field: str) -> None:
    found = await shown(offline, {**MAIL, "text": "Hello {report_name}", **change})
    assert [fault["field"] for fault in found["faults"]] == [field]
    assert found["texts"]["text"].startswith("Hello ")
    assert ("subject" in found["texts"]) is ("subject" not in change)


async def test_every_wrong_setting_is_told(offline: Api) -> None:
    found = await shown(offline, {**MAIL, "subject": "{a}", "text": "{b}"}, parameters={"regoin": "EMEA"})
    places = {fault["field"] for fault in found["faults"]}
    assert {"destination.subject", "destination.text"} < places
    assert any(place.startswith("parameters") for place in places)
    path = await shown(offline, {"channel": "folder", "connection": "shared", "path": "../{date}"})
    assert [fault["field"] for fault in path["faults"]] == ["destination.path"]
    assert [fault["field"] for fault in (await shown(offline, {"channel": "pigeon"}))["faults"]] == [
        "destination.channel"
    ]


async def test_what_has_no_preview_is_refused(offline: Api) -> None:
    past = {**TIMING, "at": "2001-03-06T09:00"}
    problem = await shown(offline, MAIL, 422, timing=past)
    assert problem["errors"][0]["field"] == "timing"
    problem = await shown(offline, MAIL, 422, report_id="no-such-report")
    assert problem["errors"][0]["field"] == "report_id"
    now = await offline.json(
        "POST", "/distribution/preview", 200, json={"report_id": SCHEDULE["report_id"], "destination": MAIL}
    )
    assert now["texts"]["subject"].endswith(now["due_local"][:10])
