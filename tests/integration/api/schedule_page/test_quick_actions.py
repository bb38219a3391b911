"""Every quick action of a schedule's page: at once with an undo, or after a page that says whom it reaches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.stops.spec import StopRequest, StopScope
from mailroom.storage.tables import Schedule
from tests.support.parsed_page import parsed

if TYPE_CHECKING:
    from tests.integration.api.schedule_page.conftest import Browser, Desk


async def test_a_pause_is_at_once_and_can_be_undone(desk: Desk, owner: Browser) -> None:
    answer = await owner.press(desk.path, "Pause")
    assert (answer.status_code, answer.headers["location"]) == (303, desk.path)
    assert (await desk.row()).state is ScheduleState.PAUSED
    page = await owner.page(desk.path)
    (notice,) = [words for words in page.words["p"] if words.startswith("Daily orders is paused.")]
    assert notice.endswith("7 runs in the next 7 days fall away.")
    assert "Undo" in (await owner.page(desk.path)).buttons(), "it stays after a reload"
    assert (await owner.press(desk.path, "Undo")).status_code == 303
    assert (await desk.row()).state is ScheduleState.ACTIVE
    page = await owner.page(desk.path)
    assert [words for words in page.words["p"] if words.startswith("Daily orders is active again. Next run ")]
    assert not any(words.startswith("Daily orders is paused") for words in page.words["p"])


async def test_a_double_click_does_it_once(desk: Desk, owner: Browser) -> None:
    page = await owner.page(desk.path)
    for button, action in (("Pause", "paused"), ("Send a test to me", "test")):
        first, second = [await owner.post(page.form(button)) for _ in range(2)]
        assert (first.status_code, second.status_code) == (303, 303)
        assert first.headers["location"] == second.headers["location"]
        assert len(await desk.audited(action)) == 1


async def test_a_form_of_an_older_version_says_what_changed_meanwhile(desk: Desk, owner: Browser) -> None:
    form = (await owner.page(desk.path)).form("Pause")
    await desk.api.json("PATCH", desk.path, 200, json={"name": "Orders of today"})
    answer = await owner.post(form)
    assert answer.status_code == 409
    page = parsed(answer.text)
    assert any(words.startswith("Changed name, owner@localhost") for words in page.words["li"])
    assert len([words for words in page.words["li"] if "owner@localhost" in words]) == 1
    assert (await desk.row()).state is ScheduleState.ACTIVE
    assert (await owner.post(page.form("Pause all the same"))).status_code == 303
    assert (await desk.row()).state is ScheduleState.PAUSED


@pytest.mark.parametrize(("button", "verb"), [("Pause", "pause"), ("Delete", "delete"), ("Undo", "resume")])
async def test_no_button_works_on_a_version_that_nobody_has_seen(
    desk: Desk, owner: Browser, button: str, verb: str
) -> None:
    if verb == "resume":
        await owner.press(desk.path, "Pause")
    form = (await owner.page(desk.path)).form(button)
    assert form.action == f"{desk.path}/{verb}"
    await desk.api.json("PATCH", desk.path, 200, json={"name": "Orders of today"})
    before, ran = (await desk.row()).generation, len(await desk.executions())
    assert (await owner.post(form)).status_code == 409
    assert ((await desk.row()).generation, len(await desk.executions())) == (before, ran)


async def test_an_undo_of_an_earlier_deletion_does_nothing(desk: Desk, owner: Browser) -> None:
    await owner.press(desk.path, "Delete")
    form = (await owner.page(desk.path)).form("Undo the deletion")
    await desk.api.json("POST", f"{desk.path}/undelete", 200)
    await desk.api.json("DELETE", desk.path, 204)
    assert (await owner.post(form)).status_code == 409
    assert (await desk.row()).state is ScheduleState.DELETED


async def test_a_deletion_is_at_once_and_can_be_undone_also_after_a_reload(desk: Desk, owner: Browser) -> None:
    await desk.ran(ExecutionState.SUCCESS)
    answer = await owner.press(desk.path, "Delete")
    assert (answer.status_code, answer.headers["location"]) == (303, "/schedules")
    assert (await desk.row()).state is ScheduleState.DELETED
    for _ in range(2):
        page = await owner.page(desk.path)
        assert {"Undo", "Undo the deletion"} <= set(page.buttons())
    assert {"Pause", "Delete", "Send a test to me"}.isdisjoint(page.buttons())
    assert f"{desk.path}/edit" not in page.links
    assert page.words["h1"][0].startswith("Daily orders Deleted")
    assert (await owner.press(desk.path, "Undo the deletion")).status_code == 303
    assert (await desk.row()).state is ScheduleState.ACTIVE
    page = await owner.page(desk.path)
    assert {"Undo", "Undo the deletion"}.isdisjoint(page.buttons())
    assert any(words.startswith("Daily orders is back, and active.") for words in page.words["p"])


async def test_a_run_now_says_whom_it_reaches_and_leads_to_its_page(desk: Desk, owner: Browser) -> None:
    page = await owner.page(f"{desk.path}/run")
    assert {"ada@example.com", "bob@example.com"} <= set(page.words["li"])
    assert "Run now: the CSV goes to 2 people and 1 folder." in page.words["p"]
    form = page.form("Run now: send to 2 people and 1 folder")
    first, second = await owner.post(form), await owner.post(form)
    assert first.status_code == 303
    (execution,) = await desk.executions()
    assert execution.kind is ExecutionKind.RUN_NOW
    assert first.headers["location"] == second.headers["location"] == f"/executions/{execution.id}"
    # Another page, another run; but not on a version that nobody has seen.
    form = (await owner.page(f"{desk.path}/run")).form("Run now: send to 2 people and 1 folder")
    await desk.api.json("PATCH", desk.path, 200, json={"formats": ["csv", "html"]})
    assert (await owner.post(form)).status_code == 409
    assert len(await desk.executions()) == 1


async def test_a_run_that_cannot_be_or_would_wait_is_said(desk: Desk, owner: Browser) -> None:
    stop = StopRequest(scope=StopScope.ALL, reason="The wrong prices.")
    await desk.api.json("POST", "/stop", 200, json=stop.model_dump(mode="json"))
    page = await owner.page(f"{desk.path}/run")
    assert any("The wrong prices." in words for words in page.words["p"])
    assert any(words.startswith("Everything is stopped") for words in (await owner.page(desk.path)).words["h2"])
    await desk.api.json("POST", f"{desk.path}/pause", 200)
    page = await owner.page(f"{desk.path}/run")
    assert not any(one.action == f"{desk.path}/run" for one in page.forms)
    assert any("paused" in words for words in page.words["p"])


async def test_a_test_goes_to_the_visitor_alone(desk: Desk, owner: Browser) -> None:
    answer = await owner.press(desk.path, "Send a test to me")
    (execution,) = await desk.executions()
    assert answer.headers["location"] == f"/executions/{execution.id}"
    assert (execution.kind, execution.test_recipient) == (ExecutionKind.TEST, owner.email)
    # The page has another key now: the next press is another test.
    await owner.press(desk.path, "Send a test to me")
    assert len(await desk.executions()) == 2


async def test_a_backfill_is_shown_before_it_starts(desk: Desk, owner: Browser) -> None:
    past = datetime.now(UTC) - timedelta(days=10)
    async with desk.api.database.session() as session:
        await session.execute(update(Schedule).values(created_at=past))
    first, last = (f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%d}" for days in (5, 3))
    page = await owner.page(f"{desk.path}/backfill?from={first}&until={last}")
    assert "3 runs would start" in page.words["h2"]
    assert "Each: the CSV goes to 2 people and 1 folder." in page.words["p"]
    assert await desk.executions() == []
    form = page.form("Run 3 runs")
    for _ in range(2):
        assert (await owner.post(form)).status_code == 303
    assert [one.kind for one in await desk.executions()] == [ExecutionKind.BACKFILL] * 3
    wrong = await owner.page(f"{desk.path}/backfill?from={last}&until={first}", 422)
    assert wrong.title.startswith("Error: ")
    assert wrong.links["#from"]
    missing = await owner.page(f"{desk.path}/backfill?from=&until={first}", 422)
    assert missing.links["#from"] == "Choose a day."
    garbled = await owner.page(f"{desk.path}/backfill?from=x&until={first}", 422)
    assert garbled.links["#from"]


async def test_an_admin_gives_it_to_another_owner(desk: Desk, owner: Browser) -> None:
    admin, heir = await desk.person("boss", "admin"), await desk.person("heir", "creator")
    await desk.person("vera", "viewer")
    await owner.page(f"{desk.path}/reassign", 403)
    page = await admin.page(f"{desk.path}/reassign")
    assert any("Heir" in words for words in page.words["option"])
    assert not any("Vera" in words or "Ada" in words for words in page.words["option"])
    form = page.form("Reassign")
    # The heir may not use the connections yet.
    refused = await admin.post(form, to=heir.id)
    assert refused.status_code == 409
    assert parsed(refused.text).links["#to"]
    for connection in ("corp-smtp", "shared"):
        grants = {"users": ["ext:ada", "ext:heir"]}
        await desk.api.json("PUT", f"/connections/{connection}/grants", 200, json=grants)
    assert (await admin.post(form, to=heir.id)).status_code == 303
    assert (await desk.row()).user_id == heir.id
    assert (await admin.post(page.form("Reassign"), to="")).status_code == 422
    assert (await admin.press(desk.path, "Undo")).status_code == 303
    assert (await desk.row()).user_id == owner.id
