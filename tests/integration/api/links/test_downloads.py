"""Links to files open without a log-in, looking at them changes nothing, and what is fetched is on record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from mailroom.errors import Gone
from mailroom.links import downloads
from mailroom.links.tokens import Claim, Purpose, sign
from mailroom.recipients.spec import pseudonym
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.artifacts import ArtifactStore
from mailroom.storage.database import new_id
from mailroom.storage.tables import Artifact, Delivery, Execution, Schedule, User
from tests.integration.api.links.conftest import ADA, BOB, CONTENT, Sent

FIRST, SECOND = CONTENT.values()


async def test_a_page_that_whoever_has_the_link_can_open(sent_on_sqlite: Sent) -> None:
    sent = sent_on_sqlite
    page = await sent.reader.get(sent.link(), headers={"Accept": "text/html"})
    assert page.status_code == 200
    until = (sent.deliveries[ADA].created_at + timedelta(days=14)).strftime("%Y-%m-%d %H:%M UTC")
    for told in ("orders.csv", "orders.html", "24 bytes", until, "Orders &amp; more", f'{sent.link()}/2"'):
        assert told in page.text, told
    for never in ("/login", "<script", ADA, BOB, "owner@"):
        assert never not in page.text, never
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "set-cookie" not in page.headers


async def test_programs_that_look_at_links_change_nothing(sent_on_sqlite: Sent) -> None:
    sent = sent_on_sqlite
    for _ in range(3):
        assert (await sent.reader.get(sent.link())).status_code == 200
        head = await sent.reader.head(sent.link())
        assert (head.status_code, head.content) == (200, b"")
        file = await sent.reader.head(f"{sent.link()}/1")
        assert (file.status_code, file.content, file.headers["Content-Length"]) == (200, b"", str(len(FIRST)))
    assert (await sent.reader.post(sent.link())).status_code == 405
    assert await sent.downloads() == []
    assert await sent.audited("fetched") == []


async def test_what_is_fetched_is_a_confirmation(sent: Sent) -> None:
    agent = f"Mail\t\u2028program {'x' * 300}"
    file = await sent.reader.get(f"{sent.link()}/1", headers=[(b"User-Agent", agent.encode())])
    assert (file.status_code, file.content) == (200, FIRST)
    assert (await sent.reader.get(f"{sent.link()}/2")).content == SECOND
    await sent.reader.get(f"{sent.link(BOB)}/2")
    detail = await sent.api.json("GET", f"/executions/{sent.execution_id}", 200)
    ada, bob = (next(one for one in detail["deliveries"] if one["recipient"] == name) for name in (ADA, BOB))
    assert (ada["download_count"], bob["download_count"]) == (2, 1)
    assert [one["filename"] for one in ada["downloads"]] == ["orders.html", "orders.csv"], "the latest first"
    assert ada["downloads"][1]["address"] == "127.0.0.1"
    assert ada["downloads"][1]["sha256"] == sent.artifacts[0].sha256
    kept = ada["downloads"][1]["agent"]
    assert kept.startswith("Mail ")
    assert (len(kept), kept.isprintable()) == (200, True)
    rows = await sent.owner.json("GET", "/deliveries", 200)
    own = next(one for one in rows["items"] if one["recipient"] == ADA)
    assert own["download_count"] == 2
    assert [one["address"] for one in own["downloads"]] == [None, None], "admins alone see from where"
    audited = await sent.audited("fetched")
    assert sorted(event.detail["filename"] for event in audited) == ["orders.csv", "orders.html", "orders.html"]
    (csv,) = (event for event in audited if event.detail["filename"] == "orders.csv")
    assert (csv.entity_id, csv.actor, csv.address) == (sent.execution_id, ADA, "127.0.0.1")
    assert csv.detail["delivery"] == sent.deliveries[ADA].id
    assert csv.login == downloads.BY_LINK


async def test_many_downloads_are_counted_and_the_latest_shown(sent: Sent) -> None:
    for _ in range(22):
        await sent.reader.get(f"{sent.link()}/1")
    detail = await sent.api.json("GET", f"/executions/{sent.execution_id}", 200)
    ada = next(one for one in detail["deliveries"] if one["recipient"] == ADA)
    assert (ada["download_count"], len(ada["downloads"])) == (22, 20)
    times = [one["at"] for one in ada["downloads"]]
    assert times == sorted(times, reverse=True)


async def test_security_21_a_file_is_data_and_is_sent_whole(sent_on_sqlite: Sent) -> None:
    sent = sent_on_sqlite
    for asked in ("bytes=0-3", "bytes=" + ",".join("0-" for _ in range(1000)), "nonsense"):
        file = await sent.reader.get(f"{sent.link()}/2", headers={"Range": asked})
        assert (file.status_code, file.content) == (200, SECOND), asked
    assert file.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert file.headers["Cache-Control"] == "no-store"
    assert file.headers["Content-Disposition"] == 'attachment; filename="orders.html"'
    assert file.headers["Accept-Ranges"] == "none"


async def test_security_16_a_file_name_cannot_forge_a_header_or_markup(sent_on_sqlite: Sent) -> None:
    sent = sent_on_sqlite
    async with sent.api.database.session() as session:
        evil = '<b>"\r\nSet-Cookie: x=1;ü.csv'
        await session.execute(update(Artifact).where(Artifact.id == sent.artifacts[0].id).values(filename=evil))
    file = await sent.reader.get(f"{sent.link()}/1")
    assert file.status_code == 200
    assert "Set-Cookie" not in file.headers
    assert "<b>" not in (await sent.reader.get(sent.link())).text


async def _set(sent: Sent, table: Any, row_id: str, **values: Any) -> None:
    async with sent.api.database.session() as session:
        await session.execute(update(table).where(table.id == row_id).values(**values))


async def test_security_26_the_right_is_asked_when_the_link_is_used(sent_on_sqlite: Sent) -> None:
    """Ask for each kind of row; tests/unit/links tests what revokes a link by the rows of its delivery."""
    sent = sent_on_sqlite
    file, nobodys = f"{sent.link()}/1", await sent.reader.get("/d/nobodys/1")
    execution, (first, second) = sent.execution_id, sent.artifacts
    delivery, kept = sent.deliveries[ADA].id, ArtifactStore(sent.api.settings.artifacts_dir).path(first.sha256)

    async def dead(why: str) -> None:
        answer = await sent.reader.get(file)
        assert (answer.status_code, answer.content) == (404, nobodys.content), why
        assert (await sent.reader.head(file)).status_code == 404, why

    for table, row_id, column, worse, better in (
        (User, sent.owner.id, "is_active", False, True),
        (Schedule, sent.schedule_id, "state", ScheduleState.DELETED, ScheduleState.PAUSED),
        (Delivery, delivery, "recipient", pseudonym(ADA, "s" * 32), ADA),
        (Artifact, second.id, "expires_at", datetime.now(UTC), second.expires_at),
        (Execution, execution, "artifact_ids", [first.id, new_id()], [first.id, second.id]),
    ):
        await _set(sent, table, row_id, **{column: worse})
        await dead(column)
        await _set(sent, table, row_id, **{column: better})
    for scope, target in (
        ("all", ""),
        ("report", "orders"),
        ("schedule", sent.schedule_id),
        ("connection", "corp-smtp"),
    ):
        body = {"scope": scope, **({"target": target} if target else {})}
        await sent.api.json("POST", "/stop", 200, json={**body, "reason": "A leak."})
        await dead(f"stopped: {scope}")
        await sent.api.json("POST", "/resume", 200, json={**body, "dry_run": False})
    content = kept.read_bytes()
    kept.unlink()
    await dead("the file is gone")
    kept.write_bytes(content)
    assert await sent.downloads() == []
    assert (await sent.reader.get(file)).status_code == 200, "all of it was undone"
    now = datetime.now(UTC)
    correction = Execution(schedule_id=sent.schedule_id, kind=ExecutionKind.CORRECTION, due_at=now, created_at=now)
    correction.corrects, correction.status = execution, ExecutionState.PENDING
    async with sent.api.database.session() as session:
        session.add(correction)
    await dead("corrected")


async def test_security_23_what_is_no_link_answers_alike(sent_on_sqlite: Sent) -> None:
    sent, link = sent_on_sqlite, sent_on_sqlite.link()
    delivery, now = sent.deliveries[ADA].id, datetime.now(UTC)
    key = "k" * 32
    wrong = {
        "expired, of another key": f"/d/{sign(Purpose.DOWNLOAD, Claim(delivery, now - timedelta(days=1)), 'x' * 32)}",
        "without an end": f"/d/{sign(Purpose.DOWNLOAD, Claim(delivery), key)}",
        "of no delivery": f"/d/{sign(Purpose.DOWNLOAD, Claim(new_id(), now + timedelta(days=1)), key)}",
        "of another key": f"/d/{sign(Purpose.DOWNLOAD, Claim(delivery, now + timedelta(days=1)), 'x' * 32)}",
        "to unsubscribe": sent.stop_link().replace("/u/", "/d/"),
        "cut": link[:-1],
        "longer": f"{link}A",
        "an id": f"/d/{delivery}",
        "no such file": f"{link}/3",
        "file 0": f"{link}/0",
        "no number": f"{link}/x",
        "a number that is none": f"{link}/²",
        "a long number": f"{link}/{'1' * 400}",
        "a path": f"{link}/..%2f1",
        "not ASCII": "/d/%ff%00é",
    }
    told = {what: await sent.reader.get(path, headers={"Accept": "text/html"}) for what, path in wrong.items()}
    assert {what: answer.status_code for what, answer in told.items()} == dict.fromkeys(wrong, 404)
    pages = {answer.text for what, answer in told.items() if what != "a path"}
    assert len(pages) == 1, "all say the same"
    assert "/login" not in pages.pop()


async def test_a_link_whose_time_is_over_says_when_and_nothing_else(sent_on_sqlite: Sent) -> None:
    ended = datetime(2026, 3, 9, 12, tzinfo=UTC)
    known, unknown = (
        f"/d/{sign(Purpose.DOWNLOAD, Claim(delivery, ended), 'k' * 32)}"
        for delivery in (sent_on_sqlite.deliveries[ADA].id, new_id())
    )
    pages = [await sent_on_sqlite.reader.get(path, headers={"Accept": "text/html"}) for path in (known, unknown)]
    assert [page.status_code for page in pages] == [404, 404]
    assert "expired on 9 March 2026" in pages[0].text
    assert pages[0].text == pages[1].text, "whether there was such a delivery is not said"


async def test_links_that_are_switched_off_are_dead(sent_on_sqlite: Sent) -> None:
    sent, now = sent_on_sqlite, datetime.now(UTC)
    off = sent.api.settings.model_copy(update={"download_links": False})
    token = sent.link().rpartition("/")[2]
    async with sent.api.database.session() as session:
        await downloads.look_at(session, sent.api.settings, token, now=now)
        with pytest.raises(Gone):
            await downloads.look_at(session, off, token, now=now)


async def test_a_link_that_went_public_ends(sent_on_sqlite: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = sent_on_sqlite
    monkeypatch.setattr(downloads, "MOST", 2)
    answers = [(await sent.reader.get(f"{sent.link()}/1")).status_code for _ in range(3)]
    assert answers == [200, 200, 404]
    assert (await sent.reader.get(f"{sent.link(BOB)}/1")).status_code == 200, "another recipient's goes on"


@pytest.fixture
def few_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let four requests a minute in from one address, which a proxy tells."""
    monkeypatch.setenv("MAILROOM_RATE_LIMIT_ADDRESS", "4/minute")
    monkeypatch.setenv("MAILROOM_TRUSTED_PROXIES", "127.0.0.1")


async def test_security_34_links_are_counted_by_address(few_requests: None, sent_on_sqlite: Sent) -> None:
    sent = sent_on_sqlite
    from_one = {"X-Forwarded-For": "203.0.113.7"}
    paths = [sent.link(), "/d/guess", f"{sent.link()}/1", "/u/guess", sent.link()]
    answers = [(await sent.reader.get(path, headers=from_one)).status_code for path in paths]
    assert answers == [200, 404, 200, 404, 429]
    assert (await sent.reader.get(sent.link(), headers={"X-Forwarded-For": "203.0.113.8"})).status_code == 200
    (download,) = await sent.downloads()
    assert download.address == "203.0.113.7", "by the rule of the trusted proxies"


async def test_security_36_no_log_has_the_token(sent_on_sqlite: Sent, capsys: pytest.CaptureFixture[str]) -> None:
    sent = sent_on_sqlite
    for path in (sent.link(), f"{sent.link()}/1", sent.stop_link()):
        await sent.reader.get(path)
    told = capsys.readouterr().err
    assert told.count('"/d/…"') + told.count('"/d/\\u2026"') == 2
    for path in (sent.link(), sent.stop_link()):
        assert path.rpartition("/")[2] not in told


OTHERS = (
    *("/d/../api/v1/users", "/d/%2e%2e/api/v1/users", "/d//api/v1/users", "/u/../api/v1/users"),
    *("/D/x", "/d", "/dx", "/api/v1/d/x", "/d/x/y/z"),
)


async def test_security_28_nothing_else_is_open_besides(sent_on_sqlite: Sent) -> None:
    for path in OTHERS:
        answer = await sent_on_sqlite.reader.get(path)
        assert answer.status_code in (401, 404), path
        assert "owner@" not in answer.text, path


async def test_what_is_erased_keeps_no_trace_of_where_it_was_fetched(sent: Sent) -> None:
    await sent.reader.get(f"{sent.link()}/1", headers={"User-Agent": "adas-phone"})
    await sent.reader.get(f"{sent.link(BOB)}/1", headers={"User-Agent": "bobs-phone"})
    await _set(sent, Schedule, sent.schedule_id, name="Orders")
    await sent.owner.json("DELETE", f"/recipients/{ADA}", 200)
    await sent.api.json("POST", f"/recipients/{ADA}/erase", 200)
    kept = {row.delivery_id: (row.address, row.agent, row.filename) for row in await sent.downloads()}
    assert kept[sent.deliveries[ADA].id] == ("", "", "orders.csv")
    assert kept[sent.deliveries[BOB].id] == ("127.0.0.1", "bobs-phone", "orders.csv")
