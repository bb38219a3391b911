"""Fill what the page Monitoring shows of a stage: counts of a month, open incidents with alerts, signs of life."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.heartbeats import repository as heartbeats
from mailroom.heartbeats.spec import WRITER, Beat
from mailroom.incidents.spec import IncidentKind, Level, Severity, Stage
from mailroom.storage.database import new_id
from mailroom.storage.model.upkeep.incidents import Alert, Incident, IncidentSchedule
from mailroom.storage.model.upkeep.watching import CountedDay, CountedHour, CountedTotals
from mailroom.storage.tables import Report, Schedule, User
from mailroom.watching.counts.names import HOUR, Counts, Part, day_of, hour_of, in_parts, merged
from mailroom.watching.signs.prefect import PrefectSigns, WorkerSign
from mailroom.watching.signs.written import of_prefect

_DAYS = 31
_PROCESS = "api stage:1"


async def fill(session: AsyncSession, person: User, *, now: datetime) -> None:
    """Fill the stage; the incidents concern the sample schedules, and one alert has gone to this person."""
    reports = list(await session.scalars(select(Report.id).order_by(Report.id).limit(6)))
    for table in (CountedHour, CountedDay, CountedTotals):  # The system may have begun to count.
        await session.execute(delete(table))
    days: dict[datetime, Counts] = {}
    for number in range(_DAYS * 24):
        hour = hour_of(now) - number * HOUR
        parts = in_parts(_counts(hour, reports))
        session.add(CountedHour(hour=hour, most={}, **parts))
        day = day_of(hour)
        days[day] = merged([days.get(day, {}), parts[Part.DETAIL]])
    session.add_all(CountedDay(day=day, detail=detail) for day, detail in days.items())
    session.add(CountedTotals(name="scheduled", since=now - timedelta(days=90), looked_until=now, counts={}, kept={}))
    await _signs(session, now)
    await _incidents(session, person, now)


def _counts(hour: datetime, reports: Sequence[str]) -> Counts:
    """Return the counts of an hour: busy in the morning, and with trouble on some days at nine. Pure."""
    runs = 8 + int(120 * math.exp(-((hour.hour - 8) ** 2) / 6))
    trouble = hour.hour == 8 and hour.day % 4 == 2
    failed, partial, missed = (3, 2, 1) if trouble else (0, 1 if hour.hour == 14 and hour.day % 3 == 0 else 0, 0)
    good = runs - failed - partial - missed
    slow = good // 4 if hour.hour in (7, 8) else good // 40
    found: Counts = {
        "ended/success": good,
        "ended/failed": failed,
        "ended/partial": partial,
        "ended/missed": missed,
        "ended/skipped": 2,
        "on_time": good - (2 if trouble else 0),
        "troubled": failed + partial + 9,
        "recovered": 9,
        "late/9": good - slow,
        "late/17": slow,
        "sent/email/local-mail": runs,
        "failure/email/local-mail": partial,
        "sent/sftp/partner-sftp": 12,
        "failure/sftp/partner-sftp": failed,
    }
    for place, report in enumerate(reports):
        found |= {f"report/{report}": 4, f"report_sum/{report}": 4 * (31.0 - 5 * place), f"report_max/{report}": 48.0}
    return found


async def _signs(session: AsyncSession, now: datetime) -> None:
    began = now - timedelta(days=2)
    prefect = PrefectSigns(
        version="3",
        skew=0.1,
        workers=(WorkerSign(name="worker-1", heard_at=now - timedelta(seconds=9), interval=10),),
        planned_until=now + timedelta(minutes=14),
    )
    beats = [
        Beat(WRITER, _PROCESS, began, now - timedelta(seconds=4), 40),
        Beat("reconciler", _PROCESS, began, now - timedelta(seconds=3), 120),
        Beat("watchdog", _PROCESS, began, now - timedelta(seconds=27), 300),
        of_prefect(prefect, None, process=_PROCESS, began_at=began, now=now - timedelta(seconds=6)),
    ]
    await heartbeats.write(session, beats)


async def _incidents(session: AsyncSession, person: User, now: datetime) -> None:
    schedules = list(await session.scalars(select(Schedule.id).where(Schedule.is_sample).order_by(Schedule.name)))
    broken = _incident(
        IncidentKind.CONNECTION_FAILING,
        "partner-sftp",
        Severity.CRITICAL,
        now - timedelta(minutes=38),
        values={"why": "The server refused the key."},
        next_level_at=now + timedelta(minutes=22),
    )
    disk = _incident(
        IncidentKind.DISK_LOW,
        "stage",
        Severity.WARNING,
        now - timedelta(hours=5),
        values={"free_mb": 912},
        level=Level.OPERATOR,
        muted_until=now + timedelta(hours=3),
    )
    missed = _incident(
        IncidentKind.LEVEL_MISSED,
        "success",
        Severity.ERROR,
        now - timedelta(hours=2),
        level=Level.OPERATOR,
        acknowledged_at=now - timedelta(hours=1),
        acknowledged_by="ada@example.com",
    )
    session.add_all([broken, disk, missed])
    await session.flush()
    session.add_all(IncidentSchedule(incident_id=broken.id, schedule_id=one) for one in schedules[:4])
    told = {"incident_id": broken.id, "stage": Stage.OPENED, "attempts": 1, "created_at": now - timedelta(minutes=37)}
    session.add_all(
        [
            Alert(level="owner", route="mail", target=person.email, user_id=person.id, state="sent", **told),
            Alert(level="owner", route="in_app", target=person.id, user_id=person.id, state="sent", **told),
            Alert(
                level="operator",
                route="webhook",
                target="operators",
                state="failed",
                error="The far side does not answer: connection refused.",
                **told,
            ),
        ]
    )


def _incident(kind: IncidentKind, subject: str, severity: Severity, at: datetime, **columns: object) -> Incident:
    more = {"values": {}, "level": Level.OWNER, **columns}
    return Incident(
        id=new_id(), kind=kind, subject=subject, severity=severity, opened_at=at, last_seen_at=at + HOUR / 2, **more
    )
