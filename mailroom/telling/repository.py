"""The mails to be sent, in the database: each is claimed once, and taken by one process at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import SYSTEM
from mailroom.alerts.sending.mail import chosen
from mailroom.connections import repository as connections
from mailroom.settings import Settings
from mailroom.storage.database import new_id
from mailroom.storage.inserting import insert_into
from mailroom.storage.locks import before_reading
from mailroom.storage.model.upkeep.tellings import Telling
from mailroom.telling.spec import Claim, TellingKind, TellingState

LEASE = timedelta(minutes=10)
"""A process that takes a mail has this long to send it. If it dies, another one takes the mail up after this time."""
KEPT = timedelta(days=35)
"""A claim is kept for this long after it was made: longer than any period can come up again."""
_CHUNK = 400
"""Rows that one statement names."""


async def claimed(session: AsyncSession, kind: TellingKind, periods: Collection[str]) -> set[tuple[str, str]]:
    """Return the pairs of target and period of this kind that are claimed already."""
    query = select(Telling.target, Telling.period).where(Telling.kind == kind, Telling.period.in_(sorted(periods)))
    return {(target, period) for target, period in await session.execute(query)}


async def claim(session: AsyncSession, claims: Iterable[Claim], *, now: datetime) -> int:
    """Store the mails whose kind, target and period nobody has claimed; return how many those are."""
    rows = [
        {
            "id": new_id(),
            "kind": one.kind,
            "target": one.target,
            "period": one.period,
            "state": TellingState.PENDING,
            "connection": one.connection,
            "content": one.mail.stored(),
            "schedule_id": one.schedule_id,
            "execution_id": one.execution_id,
            "attempts": 0,
            "next_attempt_at": now,
            "error": "",
            "created_at": now,
        }
        for one in claims
    ]
    made = 0
    for start in range(0, len(rows), _CHUNK):
        query = insert_into(session, Telling).values(rows[start : start + _CHUNK])
        query = query.on_conflict_do_nothing(index_elements=["kind", "target", "period"])
        made += len((await session.scalars(query.returning(Telling.id))).all())
    return made


async def take(session: AsyncSession, kinds: Collection[TellingKind], *, now: datetime, limit: int) -> list[Telling]:
    """Take the mails of these kinds that are due to be sent: nobody else takes them until their lease has ended."""
    await before_reading(session)
    query = select(Telling).where(
        Telling.state == TellingState.PENDING, Telling.next_attempt_at <= now, Telling.kind.in_(list(kinds))
    )
    query = query.order_by(Telling.next_attempt_at, Telling.id).limit(limit).with_for_update(skip_locked=True)
    rows = list(await session.scalars(query))
    for row in rows:
        row.attempts += 1
        row.next_attempt_at = now + LEASE
    return rows


async def ended(session: AsyncSession, row: Telling, state: TellingState, error: str, *, now: datetime) -> None:
    """Write how a mail ended, and forget what it said."""
    values = {"state": state, "error": error, "next_attempt_at": None, "content": None}
    if state is TellingState.SENT:
        # Whoever has taken it since must not send it once more, so this is written whosever turn it is.
        sent = update(Telling).where(Telling.id == row.id, Telling.state == TellingState.PENDING)
        await session.execute(sent.values(**values, sent_at=now))
        return
    await _write(session, row, values)


async def put_off(session: AsyncSession, row: Telling, until: datetime, error: str, *, tried: bool = True) -> None:
    """Let a mail be taken again at a time; one that was not tried has not used up an attempt."""
    attempts = row.attempts if tried else row.attempts - 1
    await _write(session, row, {"next_attempt_at": until, "error": error, "attempts": attempts})


async def _write(session: AsyncSession, row: Telling, values: Mapping[str, object]) -> None:
    """Write to a mail that this process has taken, unless its lease has ended and another one has taken it since."""
    mine = (Telling.id == row.id, Telling.state == TellingState.PENDING, Telling.attempts == row.attempts)
    await session.execute(update(Telling).where(*mine).values(**values))


async def mail_connection(session: AsyncSession, settings: Settings) -> str | None:
    """Return the mail connection of the system's own mails: the one of the settings, else that of alerts."""
    wanted = settings.telling.connection or settings.alerts.mail_connection
    row = chosen(list(await connections.every(session, viewer=SYSTEM)), wanted)
    return row.name if row is not None else None


async def waiting(session: AsyncSession, kind: TellingKind) -> int:
    """Return how many mails of a kind are still to be sent."""
    query = select(func.count()).where(Telling.kind == kind, Telling.state == TellingState.PENDING)
    return (await session.execute(query)).scalar_one()


async def known_notices(session: AsyncSession, wanted: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return which of these pairs of address and occurrence have a notice already."""
    found: set[tuple[str, str]] = set()
    for start in range(0, len(wanted), _CHUNK):
        among = tuple_(Telling.target, Telling.period).in_(list(wanted[start : start + _CHUNK]))
        query = select(Telling.target, Telling.period).where(Telling.kind == TellingKind.READER_NOTICE, among)
        found |= {(target, period) for target, period in await session.execute(query)}
    return found


async def forget(session: AsyncSession, *, now: datetime, limit: int = 2000) -> int:
    """Remove claims that are too old to count; return how many."""
    old = select(Telling.id).where(Telling.created_at < now - KEPT).limit(limit)
    gone = await session.scalars(delete(Telling).where(Telling.id.in_(old)).returning(Telling.id))
    return len(gone.all())
