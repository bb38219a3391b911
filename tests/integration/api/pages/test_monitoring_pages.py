"""The pages Monitoring and Settings: who sees what, what buttons do, and a page of which a part cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import text, update

from mailroom.access.permissions import Relation
from mailroom.incidents.spec import IncidentKind
from mailroom.roles import Role
from mailroom.states import ScheduleState
from mailroom.storage.database import new_id
from mailroom.storage.model.upkeep.incidents import Incident
from mailroom.storage.tables import Schedule
from mailroom.watching.counts import repository as counted
from mailroom.watching.counts.names import HOUR, hour_of
from tests.integration.api.pages.conftest import Pages, Reader
from tests.support.pages import read


async def _incident(pages: Pages, owner_id: str | None) -> str:
    """Store an open incident that no finder looks for."""
    now = datetime.now(UTC)
    row = Incident(
        id=new_id(),
        kind=IncidentKind.TRAIL_CONTRADICTED,
        subject=new_id(),
        severity="error",
        level="owner",
        values={},
        owner_id=owner_id,
        opened_at=now,
        last_seen_at=now,
    )
    async with pages.api.database.session() as session:
        session.add(row)
    return row.id


async def _after(reader: Reader, answer: httpx.Response) -> str:
    """Return the page that a form led to."""
    assert answer.status_code == 303, answer.text
    shown = await reader.get(answer.headers["Location"])
    assert shown.status_code == 200, shown.text
    return shown.text


async def test_an_admin_sees_the_house_and_handles_what_is_wrong(pages: Pages) -> None:
    one = await _incident(pages, None)
    async with pages.api.database.session() as session:
        counts = {"ended/success": 9, "ended/failed": 1, "on_time": 9, "late/9": 9, "failure/email/mail": 1}
        await counted.write_hour(session, hour_of(datetime.now(UTC)) - HOUR, counts, {})
    boss = await pages.admin()
    shown = read(await boss.get("/monitoring"))
    values = [found.one("dd", class_="value").text for found in shown.one("dl", class_="figures").all("div")]
    assert values[0] == "90.0 %"
    assert len(values) == 4
    assert len(shown.all("figure", class_="chart")) >= 3
    assert all(figure.all("table") for figure in shown.all("figure", class_="chart"))
    path = f"/monitoring/incidents/{one}"
    back = {"back": "/monitoring#incidents"}
    assert "muted until" in (await _after(boss, await boss.send(f"{path}/mute", {"for": "hours", **back}))).lower()
    assert f"{path}/unmute" in (await boss.get("/monitoring")).text
    assert f"{path}/unmute" not in await _after(boss, await boss.send(f"{path}/unmute"))
    taken = await _after(boss, await boss.send(f"{path}/acknowledge", back))
    assert f"{path}/acknowledge" not in taken
    assert "boss@example.com" in taken
    async with pages.api.database.session() as session:
        row = await session.get_one(Incident, one)
        assert (row.acknowledged_by, row.muted_until) == ("boss@example.com", None)
        row.resolved_at = datetime.now(UTC)
    assert (await boss.send(f"{path}/mute")).status_code == 409
    assert (await boss.get(path)).status_code == 200


@pytest.mark.parametrize("pages", [Role.VIEWER, Role.CREATOR], indirect=True)
async def test_others_see_what_is_theirs_and_who_can(pages: Pages) -> None:
    mine, systems = await _incident(pages, pages.made.me.id), await _incident(pages, None)
    me = await pages.reader(pages.made.me.id)
    shown = await me.get("/monitoring?period=30d")
    assert shown.status_code == 200
    assert (mine in shown.text, systems in shown.text) == (True, False)
    assert 'class="figures"' not in shown.text
    assert "admin" in read(shown).one("main").text
    assert (await me.get(f"/monitoring/incidents/{systems}")).status_code == 404
    own = await me.get(f"/monitoring/incidents/{mine}")
    may = pages.role is Role.CREATOR
    assert (f"{mine}/acknowledge" in own.text) == may
    assert (await me.send(f"/monitoring/incidents/{mine}/acknowledge")).status_code == (303 if may else 403)
    settings = await me.get("/settings")
    assert settings.status_code == 200
    assert ("/settings/alerts/test" in settings.text, "execution_days" in settings.text) == (False, False)
    assert (await me.send("/settings/alerts/test")).status_code == 403
    assert pages.made.ids["incident", Relation.OTHER_TEAM] not in shown.text


async def test_what_cannot_be_read_hides_no_other_part(pages: Pages) -> None:
    boss = await pages.admin()
    async with pages.api.database.session() as session:
        await session.execute(text("ALTER TABLE counted_hours RENAME TO counted_elsewhere"))
    shown = await boss.get("/monitoring?period=7d")
    assert shown.status_code == 200
    page = read(shown)
    values = [found.one("dd", class_="value").text for found in page.one("dl", class_="figures").all("div")]
    assert values[:3] == ["–"] * 3
    assert values[3].isdigit()
    assert page.one("section", aria_labelledby="signs").all("tr")


async def test_without_runs_the_next_one_is_named(pages: Pages) -> None:
    boss = await pages.admin()
    async with pages.api.database.session() as session:
        await session.execute(text("DELETE FROM counted_hours"))
        due = datetime(2126, 11, 28, 9, 0, tzinfo=UTC)
        await session.execute(update(Schedule).where(Schedule.state == ScheduleState.ACTIVE).values(next_run=due))
    shown = read(await boss.get("/monitoring")).one("div", class_="empty")
    assert "No runs in 24 h" in shown.text
    assert "28 Nov 2126" in shown.text


async def test_settings_show_rules_health_and_a_test_of_the_alerts(pages: Pages) -> None:
    boss = await pages.admin()
    shown = await boss.get("/settings")
    assert shown.status_code == 200
    page = read(shown)
    assert {"health", "limits", "alerts", "retention", "frames"} <= {
        one.attributes.get("id", "") for one in page.all("h2")
    }
    assert "Does not work" in page.one("section", aria_labelledby="health").text, "Prefect is away"
    tested = await boss.send("/settings/alerts/test")
    assert tested.status_code == 200
    assert "Within Mailroom" in read(tested).one("section", aria_labelledby="tested").text
    told = (await boss.get("/notifications")).text
    assert "A test of alerts" in told
