"""Make and send the digests that are due, each once for its user and day."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.telling import repository
from mailroom.telling.digest.content import Digest, by_user, digest_of
from mailroom.telling.digest.reading import read
from mailroom.telling.leaving import stop_url
from mailroom.telling.pages import base_of, written
from mailroom.telling.people import Person, by_period, who_may_be_told
from mailroom.telling.periods import Period, digest_period
from mailroom.telling.sending.outbox import Clock
from mailroom.telling.set_times import Done, claim_and_send
from mailroom.telling.spec import Claim, Mail, TellingKind
from mailroom.telling.words import day, local

KIND = TellingKind.DAILY_DIGEST
_WHY = (
    "You get this since you have schedules, or look after Mailroom. It comes once a day if there is anything to tell."
)


async def run(database: Database, settings: Settings, *, clock: Clock) -> Done:
    """Make and send the digests that are due by now, and go on with those that wait."""
    return await claim_and_send(database, settings, KIND, partial(_due, settings, clock()), clock=clock)


async def _due(settings: Settings, now: datetime, connection: str, session: AsyncSession) -> list[Claim]:
    """Return the digests that are due and that nobody has claimed; an empty one is none."""
    people = await who_may_be_told(session, KIND, with_schedules=False)
    groups = by_period(people, partial(digest_period, settings=settings.telling, now=now))
    done = await repository.claimed(session, KIND, {period.key for period in groups})
    late, claims = timedelta(minutes=settings.telling.late_minutes), []
    for period, group in groups.items():
        waiting = [person for person in group if (person.id, period.key) not in done]
        if not waiting:
            continue
        facts = by_user(await read(session, period, waiting, late=late))
        for person in waiting:
            if (digest := digest_of(facts, person.id, person.timezone, late)).sections:
                mail = mail_of(digest, person, period, settings)
                claims.append(Claim(KIND, person.id, period.key, connection, mail))
    return claims


def mail_of(digest: Digest, person: Person, period: Period, settings: Settings) -> Mail:
    """Return the mail of a digest. Pure."""
    stop = stop_url(settings, KIND, person.id)
    title = "Minor issues with your reports"
    values = {
        "title": title,
        "preview": "; ".join(f"{section.heading}: {len(section.issues) + section.more}" for section in digest.sections),
        "total": digest.total,
        "sections": digest.sections,
        "day": day(period.end, person.timezone),
        "time": f"{local(period.end, person.timezone):%H:%M}",
        "zone": person.timezone,
        "base": base_of(settings),
        "why": _WHY,
        "stop_url": stop,
    }
    subject, text, html = written("digest", values)
    return Mail(person.email, subject, text, html, stop)
