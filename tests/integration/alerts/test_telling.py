"""Each incident is told once, and its end once, to those who were told of it."""

from __future__ import annotations

from datetime import timedelta

from mailroom.incidents.spec import IncidentKind, Level, Severity
from tests.integration.alerts.conftest import HOOK, IN_APP, MAIL, OPERATOR, SENT, WITHDRAWN, Office

OPERATORS = [(MAIL, OPERATOR, SENT), (HOOK, "operators", SENT)]


async def test_an_owner_is_told_then_the_team_then_operators_and_each_of_the_end(office: Office) -> None:
    incident = await office.trouble(IncidentKind.CREDENTIAL_ENDING, owner="ada")
    await office.settle()
    ada = [(IN_APP, "ada", SENT), (MAIL, "ada@example.com", SENT)]
    bob = [(IN_APP, "bob", SENT), (MAIL, "bob@example.com", SENT)]
    assert await office.alerts() == [("opened", *one) for one in ada]
    for level, more in ((Level.TEAM, bob), (Level.OPERATOR, OPERATORS)):
        await office.change(incident, level=str(level))
        await office.settle()
        assert await office.alerts(stage="escalated", level=str(level)) == sorted(("escalated", *one) for one in more)
    await office.over(incident)
    await office.settle()
    assert await office.alerts(stage="resolved") == sorted(("resolved", *one) for one in [*ada, *bob, *OPERATORS])
    assert office.mail.counts() == {"ada@example.com": 2, "bob@example.com": 2, OPERATOR: 2}
    assert [one.severity for one in await office.notices("ada")] == ["error", "info"]
    assert await office.notices("admin") == []


async def test_what_was_over_before_its_turn_came_is_told_to_nobody(office: Office) -> None:
    office.with_alerts(quiet_hours="11:00-14:00")
    office.now = office.now.replace(hour=12, minute=0)
    incident = await office.trouble()
    await office.step()
    await office.over(incident)
    await office.step()
    office.now += timedelta(hours=2)
    await office.settle()
    assert {state for *_, state in await office.alerts()} == {WITHDRAWN}
    assert office.mail.mails == []
    assert office.hook.requests == []


async def test_a_muted_incident_is_told_to_nobody_but_its_end_to_those_who_know_of_it(office: Office) -> None:
    muted = await office.trouble(muted_until=office.now + timedelta(hours=1))
    told = await office.trouble(IncidentKind.QUEUE_BEHIND)
    await office.settle()
    await office.change(told, muted_until=office.now + timedelta(hours=1))
    await office.over(muted)
    await office.over(told)
    await office.settle()
    assert await office.alerts(incident_id=muted) == []
    assert office.mail.taken() == [OPERATOR, OPERATOR]
    assert [body["type"] for body in office.requests()] == ["incident.opened", "incident.resolved"]


async def test_what_is_critical_goes_out_in_quiet_hours(office: Office) -> None:
    office.with_alerts(quiet_hours="00:00-23:59")
    await office.trouble(severity=str(Severity.CRITICAL))
    await office.step()
    assert office.mail.taken() == [OPERATOR]
