"""Claim the mails of a kind that are due, then send all of that kind that wait. Digest and summary share this."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.settings import Settings, current
from mailroom.storage.database import Database
from mailroom.storage.migrations import saying_where_missing
from mailroom.telling import repository
from mailroom.telling.sending.outbox import Clock, Sent, send_due
from mailroom.telling.spec import Claim, TellingKind
from mailroom.telling.words import count

Due = Callable[[str, AsyncSession], Awaitable[list[Claim]]]
"""Returns the mails that are due, to go through a connection."""
_NOUNS = {TellingKind.DAILY_DIGEST: "digest", TellingKind.WEEKLY_SUMMARY: "summary"}
_PLURALS = {TellingKind.DAILY_DIGEST: "digests", TellingKind.WEEKLY_SUMMARY: "summaries"}
_AT_ONCE = 200
"""Claims of one transaction, so that none is long."""


@dataclass(frozen=True, slots=True)
class Done:
    """Say what a run did; `waiting` mails of its kind are still to be sent."""

    kind: TellingKind
    made: int = 0
    sent: Sent = field(default_factory=Sent)
    waiting: int = 0
    has_connection: bool = True

    @property
    def is_troubled(self) -> bool:
        """Return whether an operator should look."""
        return bool(self.sent.failed or not self.has_connection)

    def __str__(self) -> str:
        noun, plural = _NOUNS[self.kind], _PLURALS[self.kind]
        if not self.has_connection:
            return f"There is no mail connection, so no {plural} are sent; see MAILROOM_TELLING__CONNECTION."
        told = [f"{count(self.made, noun, plural)} made", f"{self.sent.sent:,} sent"]
        told += [f"{self.waiting:,} wait to be sent"] if self.waiting else []
        told += [f"{self.sent.dropped:,} not wanted any more"] if self.sent.dropped else []
        told += [f"{self.sent.failed:,} given up"] if self.sent.failed else []
        return ", ".join(told) + "."


async def by_settings(run: Callable[..., Awaitable[Done]]) -> Done:
    """Do what a flow does with the settings and the database of its process, by the clock that all hosts share."""
    settings = current()
    database = Database(settings.database)
    try:
        async with saying_where_missing(database):
            await database.agree_on_time()
            return await run(database, settings, clock=database.now)
    finally:
        await database.close()


async def claim_and_send(database: Database, settings: Settings, kind: TellingKind, due: Due, *, clock: Clock) -> Done:
    """Claim what is due, and send it with what waits of before. Old claims are removed.

    A process that dies in between leaves mails that are claimed and not sent; the next run sends them, unchanged.
    """
    async with database.session() as session:
        connection = await repository.mail_connection(session, settings)
        claims = await due(connection, session) if connection else []
    made = 0
    for start in range(0, len(claims), _AT_ONCE):
        made += await database.transact(partial(_claim, claims[start : start + _AT_ONCE], clock))
    sent = await send_due(database, settings, (kind,), clock=clock)
    await database.transact(partial(_forget, clock))
    async with database.session() as session:
        waiting = await repository.waiting(session, kind)
    return Done(kind, made, sent, waiting, has_connection=connection is not None)


async def _claim(claims: list[Claim], clock: Clock, session: AsyncSession) -> int:
    return await repository.claim(session, claims, now=clock())


async def _forget(clock: Clock, session: AsyncSession) -> None:
    await repository.forget(session, now=clock())
