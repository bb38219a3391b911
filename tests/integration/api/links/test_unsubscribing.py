"""Unsubscribing by the link in a mail takes a POST and no log-in, is told to the owner, and can be undone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update

from mailroom.links.unsubscribe import BY_LINK
from mailroom.recipients.spec import pseudonym
from mailroom.roles import Role
from mailroom.storage.model.recipients import Suppression, Unsubscription
from mailroom.storage.tables import Delivery
from tests.integration.api.access.people import People
from tests.integration.api.conftest import SCHEDULE
from tests.integration.api.links.conftest import ADA, BOB, MAIL, Sent

PERSON = ADA.lower()
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


async def _unsubscribed(sent: Sent) -> list[str]:
    return [row.address for row in await sent.rows(Unsubscription)]


async def _suppressed(sent: Sent) -> list[str]:
    return [row.address for row in await sent.rows(Suppression)]


async def test_looking_at_the_link_never_unsubscribes(sent_on_sqlite: Sent) -> None:
    sent = sent_on_sqlite
    for _ in range(3):
        page = await sent.reader.get(sent.stop_link(), params=ONE_CLICK)
        assert page.status_code == 200
        assert (await sent.reader.head(sent.stop_link(), params=ONE_CLICK)).status_code == 200
    assert await _unsubscribed(sent) == []
    assert 'method="post"' in page.text
    assert ADA.lower() in page.text
    assert "/login" not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "set-cookie" not in page.headers


async def test_security_32_one_click_needs_no_cookie_and_gets_no_redirect(sent: Sent) -> None:
    """RFC 8058: a mail provider posts it, from wherever it is, in either encoding. Asking again changes nothing."""
    elsewhere = {"Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site"}
    forms: list[dict[str, Any]] = [{"data": ONE_CLICK}, {"files": {"List-Unsubscribe": (None, "One-Click")}}]
    for form in [*forms, *forms]:
        answer = await sent.reader.post(sent.stop_link(), headers=elsewhere, **form)
        assert answer.status_code == 200, answer.text
        assert "set-cookie" not in answer.headers
        assert await _unsubscribed(sent) == [PERSON]
    assert await _suppressed(sent) == []
    (event,) = await sent.audited("unsubscribed")
    assert (event.entity_type, event.entity_id, event.actor) == ("schedule", sent.schedule_id, PERSON)
    assert (event.detail["delivery"], event.address, event.login) == (sent.deliveries[ADA].id, "127.0.0.1", BY_LINK)
    (note,) = await sent.told()
    assert (note.schedule_id, note.severity) == (sent.schedule_id, "warning")
    assert PERSON in note.body


NO_WISH: list[dict[str, Any]] = [
    {},
    {"data": {"List-Unsubscribe": "one-click"}},
    {"data": {"choice": "nothing"}},
    {"json": ONE_CLICK},
    {"content": b"List-Unsubscribe=One-Click"},
    {"data": {**ONE_CLICK, "padding": "x" * 20_000}},
]


async def test_anything_else_changes_nothing(sent_on_sqlite: Sent) -> None:
    sent = sent_on_sqlite
    for form in NO_WISH:
        answer = await sent.reader.post(sent.stop_link(), **form)
        assert answer.status_code == 400, form
        assert 'method="post"' in answer.text, "the person can choose on the page"
    form = {"files": {"List-Unsubscribe": (None, "One-Click", "text/plain"), "x": ("x", b"y" * 20_000)}}
    assert (await sent.reader.post(sent.stop_link(), **form)).status_code == 400
    assert await _unsubscribed(sent) == []


async def test_the_person_takes_it_back(sent: Sent) -> None:
    await sent.reader.post(sent.stop_link(), data={"choice": "report"})
    page = await sent.reader.get(sent.stop_link())
    assert 'name="undo"' in page.text
    for _ in range(2):
        assert (await sent.reader.post(sent.stop_link(), data={"undo": "1"})).status_code == 200
    assert await _unsubscribed(sent) == []
    assert len(await sent.audited("subscribed_again")) == 1
    assert len(await sent.told()) == 2, "the owner is told of both, once"


async def test_everything_is_stopped_and_started_again(sent: Sent) -> None:
    other = await sent.owner.json(
        "POST", "/schedules/", 201, json={**SCHEDULE, "name": "Other", "destinations": [MAIL]}
    )
    await sent.owner.json("POST", "/schedules/", 201, json={**SCHEDULE, "name": "Bob's", "destinations": [_to(BOB)]})
    for _ in range(2):
        assert (await sent.reader.post(sent.stop_link(), data={"choice": "all"})).status_code == 200
    (row,) = await sent.rows(Suppression)
    assert (row.address, row.created_by) == (PERSON, PERSON)
    told = await sent.told()
    assert {note.schedule_id for note in told} == {sent.schedule_id, other["id"]}, "each owner, of each schedule"
    assert len(await sent.audited("added")) == 1
    assert "Undo" in (await sent.reader.get(sent.stop_link())).text
    await sent.reader.post(sent.stop_link(), data={"undo": "1"})
    assert await _suppressed(sent) == []
    (event,) = await sent.audited("removed")
    assert event.actor == PERSON


def _to(*people: str) -> dict[str, Any]:
    return {**MAIL, "to": list(people)}


async def test_what_an_admin_has_said_is_not_undone_by_a_link(sent_on_sqlite: Sent) -> None:
    sent = sent_on_sqlite
    for entry in (PERSON, "@example.com"):
        made = await sent.api.json("POST", "/suppressions", 200, json={"address": entry, "reason": "By letter."})
        page = await sent.reader.post(sent.stop_link(), data={"undo": "1"})
        assert page.status_code == 200
        assert 'name="undo"' not in page.text
        assert await _suppressed(sent) == [entry]
        await sent.api.json("DELETE", f"/suppressions/{made['id']}", 204)


async def test_one_recipient_stops_nothing_for_another(sent_on_sqlite: Sent) -> None:
    sent = sent_on_sqlite
    await sent.reader.post(sent.stop_link(), data={"choice": "report"})
    assert "Undo" not in (await sent.reader.get(sent.stop_link(BOB))).text
    await sent.reader.post(sent.stop_link(BOB), data={"undo": "1"})
    assert await _unsubscribed(sent) == [PERSON]


async def test_security_23_nobody_unsubscribes_others(sent_on_sqlite: Sent) -> None:
    sent = sent_on_sqlite
    for wrong in (
        "/u/guess",
        "/u/%ff",
        f"/u/{'A' * 48}",
        sent.link().replace("/d/", "/u/"),
        f"/u/{sent.deliveries[ADA].id}",
    ):
        assert (await sent.reader.get(wrong)).status_code == 404
        assert (await sent.reader.post(wrong, data=ONE_CLICK)).status_code == 404
    assert await _unsubscribed(sent) == []


async def test_the_link_outlives_the_schedule_and_not_the_person(sent_on_sqlite: Sent) -> None:
    sent = sent_on_sqlite
    await sent.owner.json("DELETE", f"/schedules/{sent.schedule_id}", 204, headers={"If-Match": "*"})
    assert (await sent.reader.post(sent.stop_link(), data={"choice": "all"})).status_code == 200
    assert await _suppressed(sent) == [PERSON]
    async with sent.api.database.session() as session:
        erased = update(Delivery).where(Delivery.id == sent.deliveries[ADA].id).values(recipient=pseudonym(ADA, "s"))
        await session.execute(erased)
    assert (await sent.reader.post(sent.stop_link(), data={"undo": "1"})).status_code == 404
    assert await _suppressed(sent) == [PERSON]


async def test_the_owner_sees_who_it_was_and_undoes_it(sent: Sent) -> None:
    path = f"/schedules/{sent.schedule_id}/unsubscribed"
    await sent.reader.post(sent.stop_link(BOB), data=ONE_CLICK)
    await sent.reader.post(sent.stop_link(), data=ONE_CLICK)
    listed = (await sent.owner.json("GET", path, 200))["items"]
    assert [one["address"] for one in listed] == [PERSON, BOB]
    assert listed[0]["delivery_id"] == sent.deliveries[ADA].id
    first = await sent.owner.json("GET", f"{path}?limit=1", 200)
    rest = await sent.owner.json("GET", path, 200, params={"limit": 1, "cursor": first["next_cursor"]})
    assert [one["address"] for one in rest["items"]] == [BOB]
    people = People(sent.api)
    stranger = await people.person("stranger", Role.CREATOR)
    await stranger.json("GET", path, 404)
    await stranger.json("DELETE", f"{path}/{ADA}", 404)
    await sent.owner.json("DELETE", f"{path}/no-address", 422)
    for _ in range(2):
        await sent.owner.json("DELETE", f"{path}/{ADA.upper()}", 204)
    assert await _unsubscribed(sent) == [BOB]
    (event,) = await sent.audited("subscribed_again")
    assert event.actor == sent.owner.email
    await stranger.http.aclose()


async def test_a_suppression_of_both_shows_the_time(sent_on_sqlite: Sent) -> None:
    """A report that was stopped by itself stays stopped where everything is started again by an admin."""
    sent = sent_on_sqlite
    await sent.reader.post(sent.stop_link(), data={"choice": "report"})
    await sent.reader.post(sent.stop_link(), data={"choice": "all"})
    (row,) = await sent.rows(Suppression)
    assert row.created_at <= datetime.now(UTC)
    await sent.api.json("DELETE", f"/suppressions/{row.id}", 204)
    assert await _unsubscribed(sent) == [PERSON]
    assert "Undo" in (await sent.reader.get(sent.stop_link())).text
