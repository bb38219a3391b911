"""A route that does not work is tried a few times; then the next one is taken, and the failure stays to be seen."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from mailroom.access.viewer import SYSTEM, viewer_of
from mailroom.alerts import repository, trial
from mailroom.alerts.people import person
from mailroom.alerts.repository import Wanted
from mailroom.alerts.sending.attempt import Attempt
from mailroom.alerts.spec import AlertState
from mailroom.alerts.timing import LEASE, MOST_ATTEMPTS
from mailroom.incidents.spec import IncidentKind
from tests.integration.alerts.conftest import CONNECTION, FAILED, HOOK, IN_APP, MAIL, OPERATOR, SENT, Office
from tests.support.waiting import eventually

DOWN = "451 4.3.0 Try again later"


async def test_mail_down_and_receiver_down_admins_are_told_within_a_minute(office: Office) -> None:
    office.mail.mail_reply, office.hook.status = DOWN, 503
    incident = await office.trouble()
    await office.work(60)
    assert await office.alerts() == [
        ("opened", IN_APP, "admin", SENT),
        ("opened", MAIL, OPERATOR, FAILED),
        ("opened", HOOK, "operators", FAILED),
    ]
    mail = (await office.rows(route=MAIL))[0]
    assert (mail.attempts, "451" in mail.error) == (MOST_ATTEMPTS, True)
    assert len(office.hook.requests) == MOST_ATTEMPTS
    assert len({posted.headers["webhook-id"] for posted in office.hook.requests}) == 1
    [instead] = await office.rows(route=IN_APP)
    assert instead.fallback_of in {row.id for row in await office.rows(state=FAILED)}
    office.mail.mail_reply, office.hook.status = None, 204
    await office.over(incident)
    await office.settle()
    assert await office.alerts(stage="resolved") == [("resolved", IN_APP, "admin", SENT)]
    assert [one.incident_id for one in await office.notices("admin")] == [incident, incident]
    assert office.mail.mails == []


async def test_an_owner_whose_mail_is_refused_is_told_in_the_application(office: Office) -> None:
    office.people["ada"].preferences = {"alerts": {"credential_ending": {"in_app": False}}}
    async with office.database.session() as session:
        await session.merge(office.people["ada"])
    office.mail.replies["ada@example.com"] = "550 5.1.1 No such user"
    await office.trouble(IncidentKind.CREDENTIAL_ENDING, owner="ada")
    await office.settle()
    assert await office.alerts() == [
        ("opened", IN_APP, "ada", SENT),
        ("opened", MAIL, "ada@example.com", FAILED),
    ]
    assert len(await office.notices("ada")) == 1


async def test_a_short_outage_of_mail_costs_nothing(office: Office) -> None:
    office.mail.mail_reply = DOWN
    await office.trouble()
    await office.work(6)
    office.mail.mail_reply = None
    await office.settle()
    assert office.mail.taken() == [OPERATOR]
    assert {state for *_, state in await office.alerts()} == {SENT}


async def test_no_mail_is_tried_through_the_connection_that_is_broken(office: Office) -> None:
    office.with_alerts(webhook_url="", webhook_secret="")
    await office.trouble(IncidentKind.CONNECTION_FAILING, subject=CONNECTION)
    before = office.mail.connections
    await office.settle()
    assert await office.alerts() == [("opened", IN_APP, "admin", SENT), ("opened", MAIL, OPERATOR, FAILED)]
    assert office.mail.connections == before


async def test_a_mail_whose_answer_was_lost_is_sent_again_under_the_same_id(office: Office) -> None:
    office.mail.data_breaks = True
    incident = await office.trouble()
    await office.step()
    await office.over(incident)  # Whoever may have got it is told on, so that the end follows.
    office.mail.data_breaks = False
    office.now += timedelta(seconds=5)
    await office.settle()
    contents = [one.content.decode() for one in office.mail.envelopes if isinstance(one.content, bytes)]
    opened = [content for content in contents if "Subject: Over:" not in content]
    ids = {line for content in opened for line in content.splitlines() if line.startswith("Message-ID")}
    assert (len(opened), len(ids)) == (2, 1)
    assert office.mail.taken() == [OPERATOR, OPERATOR]
    assert [row.state for row in await office.rows(route=MAIL)] == [SENT, SENT]


async def test_an_attempt_whose_process_was_killed_goes_on_elsewhere(office: Office) -> None:
    incident = await office.trouble()
    office.mail.held.add(OPERATOR)
    dying = asyncio.create_task(office.step())
    await eventually(lambda: office.mail.waiting)
    dying.cancel()  # Nothing of it is written any more, as when its process is killed.
    await asyncio.gather(dying, return_exceptions=True)
    office.mail.clear()
    await office.work(9)
    assert office.mail.mails == []
    await office.over(incident)
    office.now += LEASE
    await office.settle()
    assert sorted(await office.alerts(route=MAIL)) == [
        ("opened", MAIL, OPERATOR, SENT),
        ("resolved", MAIL, OPERATOR, SENT),
    ]
    assert office.mail.taken() == [OPERATOR, OPERATOR]


async def test_what_an_attempt_writes_after_its_lease_does_not_count(office: Office) -> None:
    await office.trouble()
    office.mail.held.add(OPERATOR)
    slow = asyncio.create_task(office.step())
    await eventually(lambda: office.mail.waiting)
    office.now += LEASE + timedelta(seconds=1)
    [mail] = await office.rows(route=MAIL)
    second = asyncio.create_task(Attempt(office.database, office.settings, office.clock).make(mail.id))
    await eventually(lambda: len(office.mail.waiting) == 2)
    office.mail.data_reply = DOWN
    office.mail.held.clear()
    await asyncio.gather(slow, second)
    [after] = await office.rows(route=MAIL)
    assert (after.state, after.attempts) == (AlertState.PENDING, 2)


async def test_a_test_says_of_each_route_what_happened(office: Office) -> None:
    office.hook.status = 410
    found = await trial.send(office.database, office.settings, person(office.people["admin"]), clock=office.clock)
    assert [(one.target.route, one.ok) for one in found] == [(MAIL, True), (HOOK, False), (IN_APP, True)]
    [(_, message)] = office.mail.mails
    assert message["Subject"].startswith("[Test]")
    assert office.requests()[0]["test"] is True
    assert len(await office.notices("admin")) == 1
    assert await office.rows() == []


async def test_people_see_the_alerts_to_them_and_admins_see_all(office: Office) -> None:
    await office.trouble()
    await office.trouble(IncidentKind.CREDENTIAL_ENDING, owner="ada")
    await office.step()
    async with office.database.session() as session:
        seen = {
            name: await repository.list_page(session, viewer=viewer_of(user), wanted=Wanted())
            for name, user in office.people.items()
        }
        failed = await repository.list_page(session, viewer=SYSTEM, wanted=Wanted(state=AlertState.FAILED))
    assert {name: len(page.items) for name, page in seen.items()} == {"ada": 2, "bob": 0, "admin": 4}
    assert failed.items == []
