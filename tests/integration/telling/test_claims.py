"""A mail is claimed once and taken by one process at a time, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import select

from mailroom.storage.database import Database
from mailroom.storage.model.upkeep.tellings import Telling
from mailroom.telling import repository
from mailroom.telling.spec import Claim, Mail, TellingKind, TellingState

NOW = datetime(2026, 11, 30, 7, 5, tzinfo=UTC)
KIND = TellingKind.DAILY_DIGEST
MAIL = Mail("ada@example.com", "Subject", "Text", "<p>Text</p>")


async def claim(ledger: Database, *targets: str, period: str = "2026-11-30") -> int:
    claims = [Claim(KIND, target, period, "smtp", MAIL) for target in targets]
    return await ledger.transact(lambda session: repository.claim(session, claims, now=NOW))


async def take(ledger: Database, now: datetime = NOW, limit: int = 50) -> list[str]:
    rows = await ledger.transact(partial(repository.take, kinds=(KIND,), now=now, limit=limit))
    return [row.id for row in rows]


async def test_of_several_who_claim_at_once_each_user_is_claimed_once(ledger: Database) -> None:
    users = [f"user-{number}" for number in range(20)]
    made = await asyncio.gather(*(claim(ledger, *users) for _ in range(4)))
    assert sum(made) == 20
    assert await claim(ledger, *users, "user-new") == 1
    assert await claim(ledger, *users, period="2026-12-01") == 20
    async with ledger.session() as session:
        assert len(await repository.claimed(session, KIND, ["2026-11-30"])) == 21


async def test_of_several_who_take_at_once_each_mail_is_taken_by_one(ledger: Database) -> None:
    await claim(ledger, *(f"user-{number}" for number in range(20)))
    taken = await asyncio.gather(*(take(ledger, limit=7) for _ in range(4)))
    ids = [one for some in taken for one in some]
    assert len(ids) == len(set(ids)) == 20


async def test_what_a_process_that_died_had_taken_is_taken_again_with_its_id(ledger: Database) -> None:
    await claim(ledger, "ada")
    (first,) = await take(ledger)
    assert await take(ledger, NOW + repository.LEASE - timedelta(seconds=1)) == []
    assert await take(ledger, NOW + repository.LEASE) == [first]


async def test_what_was_sent_stays_sent_whoever_has_taken_it_since(ledger: Database) -> None:
    """A process was slow, and another one has taken its mail. Its receipt counts; its excuse does not."""
    await claim(ledger, "ada")
    (slow,) = await ledger.transact(partial(repository.take, kinds=(KIND,), now=NOW, limit=1))
    later = NOW + repository.LEASE
    await take(ledger, later)
    await ledger.transact(lambda session: repository.put_off(session, slow, NOW, "Busy."))
    assert await take(ledger, later) == []
    await ledger.transact(lambda session: repository.ended(session, slow, TellingState.SENT, "", now=later))
    async with ledger.session() as session:
        (row,) = await session.scalars(select(Telling))
    assert (row.state, row.content, row.sent_at) == (TellingState.SENT, None, later)


async def test_old_claims_are_forgotten_and_others_are_kept(ledger: Database) -> None:
    await claim(ledger, "ada")

    async def forget(now: datetime) -> int:
        return await ledger.transact(lambda session: repository.forget(session, now=now))

    assert await forget(NOW + repository.KEPT) == 0
    assert await forget(NOW + repository.KEPT + timedelta(seconds=1)) == 1
