"""Make and send the summaries that are due, each once for its user and week."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.telling import repository
from mailroom.telling.leaving import stop_url
from mailroom.telling.pages import base_of, written
from mailroom.telling.people import Person, by_period, who_may_be_told
from mailroom.telling.periods import Period, summary_period
from mailroom.telling.sending.outbox import Clock
from mailroom.telling.set_times import Done, claim_and_send
from mailroom.telling.spec import Claim, Mail, TellingKind
from mailroom.telling.summary.content import Summary, summary_of
from mailroom.telling.summary.facts import SummaryFacts
from mailroom.telling.summary.reading import calendars, read
from mailroom.telling.words import day
from mailroom.timing import BusinessCalendar

KIND = TellingKind.WEEKLY_SUMMARY
_WHY = "You get this since you have schedules. It comes once a week."


async def run(database: Database, settings: Settings, *, clock: Clock) -> Done:
    """Make and send the summaries that are due by now, and go on with those that wait."""
    return await claim_and_send(database, settings, KIND, partial(_due, settings, clock()), clock=clock)


async def _due(settings: Settings, now: datetime, connection: str, session: AsyncSession) -> list[Claim]:
    """Return the summaries that are due and that nobody has claimed."""
    people = await who_may_be_told(session, KIND, with_schedules=True)
    groups = by_period(people, partial(summary_period, settings=settings.telling, now=now))
    done = await repository.claimed(session, KIND, {period.key for period in groups})
    claims: list[Claim] = []
    business: dict[str, BusinessCalendar] | None = None
    for period, group in groups.items():
        waiting = [person for person in group if (person.id, period.key) not in done]
        if not waiting:
            continue
        business = await calendars(session) if business is None else business
        facts = await read(session, period, waiting)
        claims += await asyncio.to_thread(_claims, settings, connection, period, waiting, facts, business)
    return claims


def _claims(
    settings: Settings,
    connection: str,
    period: Period,
    people: list[Person],
    facts: SummaryFacts,
    business: Mapping[str, BusinessCalendar],
) -> list[Claim]:
    """Return the summaries of a period; what comes is calculated for each schedule, which takes its time. Pure."""
    found = []
    for person in people:
        summary = summary_of(facts, person.id, person.timezone, period, business)
        if summary is not None:
            found.append(Claim(KIND, person.id, period.key, connection, mail_of(summary, person, period, settings)))
    return found


def mail_of(summary: Summary, person: Person, period: Period, settings: Settings) -> Mail:
    """Return the mail of a summary. Pure."""
    stop, zone = stop_url(settings, KIND, person.id), person.timezone
    sent = next(figure.value for figure in summary.figures)
    values = {
        "title": "Your reports last week",
        "preview": ", ".join(f"{figure.value} {figure.label}" for figure in summary.figures),
        "sent": sent,
        "bad": sum(figure.value for figure in summary.figures if figure.tone == "bad"),
        "standing": summary.standing,
        "figures": summary.figures,
        "failed": summary.failed,
        "more_failed": summary.more_failed,
        "coming": summary.coming,
        "more_coming": summary.more_coming,
        "first_day": day(period.begin, zone),
        "last_day": day(period.end - timedelta(seconds=1), zone),
        "until_day": day(period.until - timedelta(seconds=1), zone),
        "zone": zone,
        "base": base_of(settings),
        "why": _WHY,
        "stop_url": stop,
    }
    subject, text, html = written("summary", values)
    return Mail(person.email, subject, text, html, stop)
