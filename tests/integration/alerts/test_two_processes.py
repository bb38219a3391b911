"""Two processes that tell at once tell each thing once, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from mailroom.alerts.spec import AlertState
from mailroom.storage.database import Database
from tests.integration.alerts.conftest import HOOK, MAIL, OPERATOR, SENT, Office

OPERATORS = [(MAIL, OPERATOR, SENT), (HOOK, "operators", SENT)]


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, migrated_url: Callable[[str], str]) -> AsyncIterator[Database]:
    database = Database(migrated_url(request.param))
    yield database
    await database.close()


async def test_two_processes_tell_of_an_incident_and_of_its_end_once(office: Office) -> None:
    incident = await office.trouble()
    for end in (False, True):
        if end:
            await office.over(incident)
        for _ in range(20):
            await asyncio.gather(office.step(), office.step())
            office.now += timedelta(seconds=3)
            if not await office.rows(state=str(AlertState.PENDING)):
                break
        await asyncio.gather(office.step(), office.step())
    told = [(stage, *rest) for stage in ("opened", "resolved") for rest in OPERATORS]
    assert await office.alerts() == sorted(told)
    assert [(row.attempts, row.error) for row in await office.rows()] == [(1, "")] * 4
    assert office.mail.taken() == [OPERATOR, OPERATOR]
    assert [body["type"] for body in office.requests()] == ["incident.opened", "incident.resolved"]
    assert {body["data"]["incident"]["id"] for body in office.requests()} == {incident}
    opened, over = (message for _, message in office.mail.mails)
    assert opened["Auto-Submitted"] == "auto-generated"
    assert opened["X-Auto-Response-Suppress"] == "All"
    assert opened["References"] == over["References"]
    assert opened["Message-ID"] != over["Message-ID"]
