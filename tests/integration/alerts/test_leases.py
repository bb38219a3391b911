"""An attempt that took longer than its lease writes nothing over the one that went on in its place."""

from __future__ import annotations

from datetime import timedelta

from mailroom.alerts import lifecycle
from mailroom.alerts.spec import AlertState
from mailroom.alerts.timing import LEASE
from mailroom.notifications.kinds import Route
from mailroom.storage.database import Database
from mailroom.storage.model.upkeep.incidents import Alert, Incident
from tests.integration.conftest import NOW

LATER = NOW + LEASE + timedelta(seconds=1)
INCIDENT = {"id": "i-1", "kind": "disk_low", "subject": "data", "severity": "error", "level": "operator"}
ALERT = {"id": "a-1", "incident_id": "i-1", "stage": "opened", "level": "operator", "target": "oncall@example.com"}


async def test_only_the_latest_attempt_of_an_alert_writes_how_it_ended(ledger: Database) -> None:
    async with ledger.session() as session:
        session.add(Incident(**INCIDENT, opened_at=NOW, last_seen_at=NOW))
        await session.flush()
        waits = {"state": AlertState.PENDING, "next_attempt_at": NOW, "created_at": NOW}
        session.add(Alert(**ALERT, route=Route.MAIL, **waits))
    async with ledger.session() as session:
        slow = await session.get_one(Alert, "a-1")
        first = await lifecycle.begin(session, slow, now=NOW)
        assert await lifecycle.begin(session, slow, now=NOW) is None, "it is under way"
    async with ledger.session() as session:
        next_one = await session.get_one(Alert, "a-1")
        second = await lifecycle.begin(session, next_one, now=LATER)
    assert (first, second) == (1, 2)
    async with ledger.session() as session:
        assert not await lifecycle.fail(session, slow, 1, "It hung.", in_doubt=True)
        assert not await lifecycle.again(session, slow, 1, "It hung.", at=LATER, in_doubt=True)
        assert not await lifecycle.sent(session, slow, 1, now=LATER)
        assert (await session.get_one(Alert, "a-1")).state == AlertState.PENDING
        assert await lifecycle.sent(session, next_one, 2, now=LATER)
