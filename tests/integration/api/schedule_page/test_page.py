"""Say what the page of one schedule shows, to whom."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import update

from mailroom.states import ExecutionState, ScheduleState
from mailroom.storage.tables import AuditEvent, Schedule

if TYPE_CHECKING:
    from tests.integration.api.schedule_page.conftest import Browser, Desk

E = ExecutionState


async def test_a_new_schedule_says_when_it_runs_first_and_whom_it_reaches(desk: Desk, owner: Browser) -> None:
    page = await owner.page(desk.path)
    assert page.title == "Daily orders – Mailroom"
    assert page.words["h1"] == ["Daily orders Active Not in Prefect yet"]
    assert {"Pause", "Send a test to me", "Delete"} <= set(page.buttons())
    links = set(page.links)
    assert {f"{desk.path}/{way}" for way in ("edit", "run", "backfill")} <= links
    assert f"/schedules/new?from={desk.schedule}" in links
    assert f"{desk.path}/reassign" not in links
    await owner.page(f"/templates/new?schedule={desk.schedule}")
    await owner.page(f"/schedules/new?from={desk.schedule}")
    await owner.page(f"{desk.path}/edit")
    assert page.html.count("to come</span>") == 10
    assert any(words.startswith("First run ") for words in page.words["h2"])
    assert "to 2 people and 1 folder" in page.text
    # Nothing of how it is made inside.
    assert not re.search(r"/api/v1|deployment|flow run|MAILROOM_", page.html)


async def test_a_failing_schedule_says_why_since_when_and_what_to_do_first(desk: Desk, owner: Browser) -> None:
    ids = await desk.ran(E.SUCCESS, E.MISSED, E.SKIPPED, E.SUCCESS, E.FAILED, E.PARTIAL)
    page = await owner.page(desk.path)
    assert page.title.startswith("Failing · ")
    banner = next(words for words in page.words["div"] if words.startswith("Partly delivered, 1 of 2: the last 2 runs"))
    assert "mailbox full" in banner
    assert page.links[f"/executions/{ids[-1]}"]
    assert banner.endswith("See what failed and try again")
    assert {f"/executions/{one}" for one in ids} <= set(page.links)
    assert "Last 6: 2 delivered, 1 partly delivered, 1 not delivered, 1 missed, 1 skipped" in page.text
    figures = dict(zip(page.words["dt"], page.words["dd"][::2], strict=False))
    assert figures["Delivered in 30 days"] == "5"
    assert figures["From due to delivered"] == "within 30 s"


async def test_runs_are_filtered_by_their_state_and_paged(desk: Desk, owner: Browser) -> None:
    ids = await desk.ran(*[E.SUCCESS] * 11, E.FAILED)
    failed = await owner.page(f"{desk.path}?state=failed")
    rows = failed.words["tbody"][0]
    assert rows.count("Not delivered") == 1
    assert "Delivered" not in rows.replace("Not delivered", "")
    first = await owner.page(desk.path)
    (following,) = [href for href, words in first.links.items() if words == "Next page"]
    second = await owner.page(following)
    assert f"/executions/{ids[0]}" in second.html.partition("<tbody")[2]
    nothing = await owner.page(f"{desk.path}?state=missed")
    assert "tbody" not in nothing.words
    assert "No run is in the state “Missed”." in nothing.text


async def test_a_viewer_may_look_and_is_told_who_can_do_more(desk: Desk, owner: Browser) -> None:
    vera = await desk.person("vera", "viewer")
    await desk.api.json("PUT", f"{desk.path}/shares", 200, json={"users": ["ext:vera"]})
    page = await vera.page(desk.path)
    assert [one.action for one in page.forms if one.action.startswith("/schedules")] == []
    assert f"{desk.path}/edit" not in page.links
    assert "Ada, who owns it, or an admin can change it." in page.text
    assert "Changes" not in page.words["h2"]
    for verb in ("pause", "resume", "delete", "undelete", "test", "run"):
        token = page.forms[0].fields["csrf_token"]
        answer = await vera.http.post(
            f"{desk.path}/{verb}", data={"csrf_token": token}, headers={"Sec-Fetch-Site": "same-origin"}
        )
        assert answer.status_code == 403, verb
    for verb in ("run", "backfill", "reassign"):
        await vera.page(f"{desk.path}/{verb}", 403)
    stranger = await desk.person("eve", "creator")
    await stranger.page(desk.path, 404)
    assert (await desk.row()).state is ScheduleState.ACTIVE


async def test_a_suspended_schedule_says_why(desk: Desk, owner: Browser) -> None:
    ids = await desk.ran(E.FAILED, E.FAILED)
    row = await desk.row()
    async with desk.api.database.session() as session:
        await session.execute(update(Schedule).values(state="suspended", is_active=False, consecutive_failures=2))
        entry = AuditEvent(at=row.created_at, actor="mailroom", action="suspended", entity_type="schedule")
        entry.entity_id, entry.detail = desk.schedule, {"consecutive_failures": 2}
        session.add(entry)
    page = await owner.page(desk.path)
    assert page.words["h1"][0].startswith("Daily orders Suspended after 2 failures")
    assert any(words.startswith("Suspended since") for words in page.words["h2"])
    assert page.links[f"/executions/{ids[-1]}"] == "See what failed"
    assert "Resume" in page.buttons()
    assert "Pause" not in page.buttons()


async def test_an_edit_is_told_with_before_and_after(desk: Desk, owner: Browser) -> None:
    await desk.ran(E.SUCCESS)
    timing = {"timing": {"at": "10:30"}, "name": "Orders <b>at</b> ten"}
    await desk.api.json("PATCH", desk.path, 200, json=timing)
    page = await owner.page(desk.path)
    (entry,) = [words for words in page.words["li"] if words.startswith("Changed name and timing") and "→" in words]
    assert "Every day at 09:00 (Europe/Berlin) → Every day at 10:30 (Europe/Berlin)" in entry
    assert "Daily orders → Orders <b>at</b> ten" in entry
    # The strip says it, too.
    assert any(words.startswith("Changed name and timing, owner@localhost, ") for words in page.words["li"])
    assert "b" not in page.words


async def test_a_poll_gets_the_part_alone_and_only_if_something_is_new(desk: Desk, owner: Browser) -> None:
    page = await owner.page(desk.path)
    again = re.search(r'hx-get="([^"]+)" hx-trigger="every 60s"', page.html)
    assert again is not None
    url, poll = again.group(1).replace("&amp;", "&"), {"HX-Request": "true", "HX-Request-Type": "partial"}
    assert (await owner.http.get(url, headers=poll)).status_code == 204
    await desk.api.json("POST", f"{desk.path}/run", 202)
    part = await owner.page(url, headers=poll)
    assert "html" not in part.words
    # A run is under way: the page looks again soon.
    assert 'hx-trigger="every 5s"' in part.html
    assert (await owner.http.get(url)).status_code == 200


async def test_prefect_being_away_is_told_and_takes_nothing_away(desk: Desk, owner: Browser) -> None:
    await desk.api.app.state.services.reconciler.run_pass()
    page = await owner.page(desk.path)
    assert any(words.startswith("Prefect is not answering since ") for words in page.words["h2"])
    assert "Pause" in page.buttons()
