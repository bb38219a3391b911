"""Tell the readers of late and failed reports, each once for an occurrence."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.links.maker import LinkMaker, link_maker
from mailroom.schedules.spec import readable_spec
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.model.upkeep.tellings import occurrence_key
from mailroom.storage.tables import Delivery
from mailroom.telling import repository
from mailroom.telling.pages import written
from mailroom.telling.readers.decide import Reader, readers_of, why_to_tell
from mailroom.telling.readers.reading import BATCH, Awaited, awaited
from mailroom.telling.sending.outbox import Clock, Sent, send_due
from mailroom.telling.spec import Claim, Mail, TellingKind
from mailroom.telling.words import count, short
from mailroom.timing.words import moment_words
from mailroom.timing.zones import zone_named
from prefect_mailroom.channels.registry import destination

KIND = TellingKind.READER_NOTICE
EVERY_SECONDS = 30.0
"""The next look begins this long after one has ended."""
LATE_AFTER_SECONDS = 600.0
"""The process is not ready once looks have failed for this long."""


@dataclass(frozen=True, slots=True)
class Looked:
    """Say what a look did."""

    made: int = 0
    sent: Sent = field(default_factory=Sent)

    def __bool__(self) -> bool:
        return bool(self.made or self.sent.sent or self.sent.failed)

    def __str__(self) -> str:
        return f"{count(self.sent.sent, 'reader')} told that a report does not come in time"


async def look(database: Database, settings: Settings, *, clock: Clock) -> Looked:
    """Tell whoever is to be told by now. Any number of processes may look at once: the claim decides."""
    made, beyond = 0, None
    while True:
        claims, last, size = await _due(database, settings, clock(), beyond)
        if claims:
            made += await database.transact(partial(_claim, claims, clock()))
        if size < BATCH or last is None:
            break
        beyond = last
    return Looked(made, await send_due(database, settings, (KIND,), clock=clock))


async def _claim(claims: list[Claim], now: datetime, session: AsyncSession) -> int:
    return await repository.claim(session, claims, now=now)


async def _due(
    database: Database, settings: Settings, now: datetime, beyond: tuple[datetime, str] | None
) -> tuple[list[Claim], tuple[datetime, str] | None, int]:
    """Return the notices that are due of a batch of runs, the last run of the batch, and how many runs it had."""
    late_after, links = timedelta(minutes=settings.telling.late_minutes), link_maker(settings, ())
    async with database.session() as session:
        found = await awaited(session, now=now, late_after=late_after, beyond=beyond)
    claims = [claim for one in found for claim in claims_of(one, links, late_after=late_after, now=now)]
    last = (found[-1].execution.due_at, found[-1].execution.id) if found else None
    return claims, last, len(found)


def claims_of(one: Awaited, links: LinkMaker, *, late_after: timedelta, now: datetime) -> list[Claim]:
    """Return the notices to the readers of a run that are due. Pure."""
    spec, execution = readable_spec(one.schedule), one.execution
    if spec is None:  # An earlier version of Mailroom took what is refused now; nothing of it is sent either.
        return []
    why = why_to_tell(spec.policy, execution.status, execution.due_at, late_after=late_after, now=now)
    if why is None:
        return []
    deliveries = {row.id: row for row in one.deliveries}
    period = occurrence_key(one.schedule.id, execution.due_at)
    return [
        Claim(
            kind=KIND,
            target=reader.address.lower(),
            period=period,
            connection=reader.connection,
            mail=mail_of(one, spec.timing.timezone, reader, deliveries.get(reader.delivery_id), links),
            schedule_id=one.schedule.id,
            execution_id=execution.id,
        )
        for reader in readers_of(spec.targets(), one.known(), why)
    ]


def mail_of(one: Awaited, timezone: str, reader: Reader, delivery: Delivery | None, links: LinkMaker) -> Mail:
    """Return the mail to a reader. Pure."""
    due_at = one.execution.due_at
    # A program has no address to answer to.
    email = "" if one.owner.is_service else one.owner.email
    stop = links.unsubscribe(delivery, destination(delivery.destination)) if delivery is not None else ""
    due = moment_words(due_at.astimezone(zone_named(timezone)))
    values = {
        "title": f"{one.report_title}: not there yet",
        "preview": f"{one.report_title}, due {due}.",
        "why": str(reader.why),
        "report": one.report_title,
        "schedule": one.schedule.name,
        "due": due,
        "due_day": short(due_at, timezone),
        "owner_name": one.owner.name or email,
        "owner_email": email,
        "stop_url": stop,
    }
    subject, text, html = written("reader", values)
    return Mail(reader.address, subject, text, html, stop, one.owner.name, email)
