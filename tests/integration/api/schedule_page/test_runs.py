"""The pages of runs: the list, one run, its files, and what a person asks for about it."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from mailroom.executions.history.progress import RenderingRecord
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.database import new_id
from mailroom.storage.tables import Artifact, Execution
from tests.integration.api.schedule_page.conftest import Browser, Desk

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

E = ExecutionState
BERLIN = ZoneInfo("Europe/Berlin")
PART = {"HX-Request": "true", "HX-Request-Type": "partial"}


async def change(api: Api, execution_id: str, **columns: object) -> None:
    """Change the row of a run."""
    async with api.database.session() as session:
        await session.execute(update(Execution).where(Execution.id == execution_id).values(**columns))


async def test_the_list_shows_each_due_time_and_narrows(desk: Desk, owner: Browser) -> None:
    ids = await desk.ran(E.SUCCESS, E.FAILED, E.PARTIAL)
    every = await owner.page("/executions")
    assert [f"/executions/{one}" in every.links for one in ids] == [True] * 3
    assert every.title.startswith("3 runs")
    failed = await owner.page("/executions?state=failed&destination=connection:corp-smtp&recipient=ADA@example.com")
    assert [f"/executions/{one}" in failed.links for one in ids] == [False, True, False]
    assert "0 runs" in (await owner.page("/executions?schedule=no+such")).title
    named = await owner.page(f"/executions?schedule={desk.schedule}")
    assert named.title.startswith("3 runs")
    assert (await owner.page("/executions", headers=PART)).title == ""


async def test_a_run_tells_who_has_it_and_offers_a_retry(desk: Desk, owner: Browser) -> None:
    (run,) = await desk.ran(E.PARTIAL)
    await change(desk.api, run, error_id="e-7")
    page = await owner.page(f"/executions/{run}")
    assert "1 of 2" in page.title
    assert "Orders" in page.words["h1"][0]
    assert "e-7" in page.text
    asked = await owner.page(f"/executions/{run}/retry")
    assert [one for one in asked.words["li"] if one == "bob@example.com"]
    assert "1 of 2" in asked.text
    answer = await owner.post(asked.form("Retry for 1"))
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/executions/{run}")
    async with desk.api.database.session() as session:
        row = await session.get(Execution, run)
        assert row is not None
        assert row.retry_requested_at is not None
    after = await owner.page(f"/executions/{run}")
    assert f"/executions/{run}/retry" not in after.links


async def test_a_retry_that_would_be_refused_is_not_offered_and_the_page_says_why(desk: Desk, owner: Browser) -> None:
    (run,) = await desk.ran(E.PARTIAL)
    path = f"/executions/{run}"
    assert f"{path}/retry" in (await owner.page(path)).links
    await desk.api.json("POST", f"/schedules/{desk.schedule}/pause", 200)
    page = await owner.page(path)
    assert f"{path}/retry" not in page.links
    assert "cannot be retried" in page.text
    assert "Resume the schedule first" in page.text


async def test_what_cannot_be_retried_says_why(desk: Desk, owner: Browser) -> None:
    (run,) = await desk.ran(E.SUCCESS)
    asked = await owner.page(f"/executions/{run}/retry", 409)
    assert asked.title.startswith("Error")
    assert "/api/" not in asked.text


async def test_a_correction_is_a_run_of_its_own(desk: Desk, owner: Browser) -> None:
    (run,) = await desk.ran(E.SUCCESS)
    form = (await owner.page(f"/executions/{run}/correct")).form("Send the correction to 2")
    refused = await owner.post(form, reason="x" * 501)
    assert refused.status_code == 422
    answer = await owner.post(form, reason="The figures for France were missing.")
    again = await owner.post(form, reason="The figures for France were missing.")
    assert answer.status_code == again.status_code == 303
    assert answer.headers["Location"] == again.headers["Location"]
    correction = await owner.page(answer.headers["Location"])
    assert "France" in correction.text
    assert f"/executions/{run}" in correction.links


async def test_what_was_missed_is_run_for_its_due_time(desk: Desk, owner: Browser) -> None:
    (run,) = await desk.ran(E.MISSED)
    yesterday = datetime.now(BERLIN).date() - timedelta(days=1)
    await change(desk.api, run, due_at=datetime.combine(yesterday, time(9), BERLIN))
    answer = await owner.post((await owner.page(f"/executions/{run}/run")).form("Run it now"))
    (made,) = [one for one in await desk.executions() if one.kind is ExecutionKind.BACKFILL]
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/executions/{made.id}")
    refused = await owner.post((await owner.page(f"/executions/{run}/run")).form("Run it now"))
    assert refused.status_code == 409  # The first one has not ended.


async def test_the_part_that_is_live_comes_alone_and_only_when_it_changed(desk: Desk, owner: Browser) -> None:
    (run,) = await desk.ran(E.SUCCESS)
    live = await owner.http.get(f"/executions/{run}", headers={"Accept": "text/html", **PART})
    assert "<html" not in live.text
    again = live.text.partition('hx-get="')[2].partition('"')[0].replace("&amp;", "&")
    assert (await owner.http.get(again, headers={"Accept": "text/html", **PART})).status_code == 204
    await change(desk.api, run, status=E.RUNNING, completed_at=None)
    row = (await desk.executions())[0]
    record = RenderingRecord(began_at=row.due_at + timedelta(seconds=1), taken_up=True, rows=1_204_000)
    await change(desk.api, run, rendering=record.stored())
    for _ in range(2):
        shown = await owner.http.get(again, headers={"Accept": "text/html", **PART})
        assert "1,204,000" in shown.text
        again = shown.text.partition('hx-get="')[2].partition('"')[0].replace("&amp;", "&")


async def test_a_file_is_sent_to_those_who_see_the_run(desk: Desk, owner: Browser) -> None:
    (run,) = await desk.ran(E.SUCCESS)
    store = desk.api.app.state.services.store
    digest = store.put(b"region,amount\n")
    row = (await desk.executions())[0]
    file = Artifact(id=new_id(), sha256=digest, filename="orders.csv", format="csv", media_type="text/csv", size=14)
    file.created_at, file.expires_at = row.due_at, row.due_at + timedelta(days=400)
    async with desk.api.database.session() as session:
        session.add(file)
    await change(desk.api, run, artifact_ids=[file.id])
    path = f"/executions/{run}/files/{file.id}"
    assert path in (await owner.page(f"/executions/{run}")).links
    sent = await owner.http.get(path)
    assert sent.content == b"region,amount\n"
    assert sent.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert sent.headers["Content-Disposition"].startswith("attachment")
    stranger = await desk.person("eve", "creator")
    assert (await stranger.http.get(path, headers={"Accept": "text/html"})).status_code == 404
    async with desk.api.database.session() as session:
        (kept,) = await session.scalars(select(Artifact))
        kept.expires_at = row.due_at
    gone = await owner.page(f"/executions/{run}")
    assert path not in gone.links
    assert "record stays" in gone.text


async def test_others_neither_see_nor_retry_it(desk: Desk, owner: Browser) -> None:
    (run,) = await desk.ran(E.PARTIAL)
    form = (await owner.page(f"/executions/{run}/retry")).form("Retry for 1")
    stranger = await desk.person("eve", "creator")
    assert "0 runs" in (await stranger.page("/executions")).title
    for path in ("", "/retry", "/correct", "/run"):
        await stranger.page(f"/executions/{run}{path}", 404)
    shared = {"users": ["ext:vic"]}
    viewer = await desk.person("vic", "viewer")
    await desk.api.json("PUT", f"/schedules/{desk.schedule}/shares", 200, json=shared)
    seen = await viewer.page(f"/executions/{run}")
    assert not [href for href in seen.links if href.startswith(f"/executions/{run}/")]
    fields = {**form.fields, "csrf_token": next(one.fields["csrf_token"] for one in seen.forms)}
    answer = await viewer.http.post(
        form.action, data=fields, headers={"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
    )
    assert answer.status_code == 403
