"""One conflict check among 10,000 schedules, with all that it reads from the database: p95 of 40, in ms.

The schedules are of many frequencies, in 12 zones, spread over 50 reports and 2,000 recipients; nearly every timing
stands once, and a fifth of them crowd the full hours, as people do. The first check, with nothing in memory, counts
as well.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from mailroom.access.service import ensure_default_user
from mailroom.access.viewer import SYSTEM, Viewer
from mailroom.reports import repository as report_repository
from mailroom.schedules.conflicts.keys import keys_of
from mailroom.schedules.conflicts.survey import Draft, survey
from mailroom.schedules.spec import ScheduleSpec, store_spec
from mailroom.settings import Settings
from mailroom.states import ScheduleState, SyncState
from mailroom.storage.database import Database, new_id
from mailroom.storage.migrations import upgrade
from mailroom.storage.tables import Report, Schedule, ScheduleKey, User

COUNT, REPORTS, PEOPLE, CHECKS = 10_000, 50, 2_000, 40
ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Africa/Cairo",
)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def timing(pick: random.Random) -> dict[str, Any]:
    """A timing of some frequency: half daily, a quarter weekly, the rest monthly and cron."""
    zone = pick.choice(ZONES)
    hour, minute = pick.randrange(24), pick.randrange(60)
    if pick.random() < 0.2:
        hour, minute = pick.choice((7, 8, 9)), 0
    at = {"at": f"{hour:02}:{minute:02}", "timezone": zone}
    match pick.choices(("daily", "weekly", "monthly", "fixed", "repeating"), (50, 25, 10, 10, 5))[0]:
        case "daily":
            return {"frequency": "daily", **at}
        case "weekly":
            days = sorted(pick.sample(DAYS, pick.randint(1, 3)), key=DAYS.index)
            return {"frequency": "weekly", "days": days, **at}
        case "monthly":
            days_of_month: list[Any] = [pick.randint(1, 31), "last", {"nth": 1, "weekday": "mon"}, {"business_day": -1}]
            return {"frequency": "monthly", "day": pick.choice(days_of_month), **at}
        case "fixed":
            expression = f"{minute} {hour} * * {pick.choice(('mon-fri', '*', '1,3,5'))}"
        case _:
            expression = f"{minute} */{pick.choice((1, 2, 3, 4))} * * *"
    return {"frequency": "cron", "expression": expression, "timezone": zone}


def spec(pick: random.Random, number: int) -> ScheduleSpec:
    """A schedule that mails to three people and writes a file of its own name."""
    people = [f"person-{pick.randrange(PEOPLE)}@example.com" for _ in range(3)]
    return ScheduleSpec.model_validate(
        {
            "name": f"Schedule {number}",
            "report_id": f"report-{number % REPORTS}",
            "timing": timing(pick),
            "parameters": {"region": f"region {pick.randrange(20)}"},
            "formats": ["pdf", "xlsx"],
            "destinations": [
                {"channel": "email", "connection": "corp-smtp", "to": people},
                {"channel": "folder", "connection": "shared", "path": "{schedule_name}/{date}.{ext}"},
            ],
        }
    )


async def fill(database: Database, owner: User, count: int, *, seed: int = 1) -> None:
    """Store so many schedules as saving them would, with their keys."""
    pick, now = random.Random(seed), datetime.now(UTC)
    rows, keys = [], []
    for number in range(count):
        wanted = spec(pick, number)
        row = Schedule(id=new_id(), user_id=owner.id, state=ScheduleState.ACTIVE, sync_state=SyncState.SYNCED)
        store_spec(row, wanted)
        rows.append({name: value for name, value in vars(row).items() if not name.startswith("_")})
        found = keys_of(wanted.report_id, wanted.name, wanted.formats, wanted.targets())
        keys += [{"schedule_id": row.id, "key": key} for key in found]
    stamps = {"created_at": now, "updated_at": now, "accounted_until": now}
    async with database.session() as session:
        if await report_repository.find(session, "report-0", viewer=SYSTEM) is None:
            names = [f"report-{number}" for number in range(REPORTS)]
            made = {"version": "1", "definition": {}, "created_at": now, "updated_at": now}
            await session.execute(insert(Report), [{"id": one, "title": one, **made} for one in names])
        await session.execute(insert(Schedule), [{**row, **stamps} for row in rows])
        await session.execute(insert(ScheduleKey), keys)


async def measure(count: int = COUNT, checks: int = CHECKS, url: str = "") -> dict[str, float]:
    """Milliseconds of a check: the first, and of all the median, p95 and the slowest."""
    with tempfile.TemporaryDirectory(prefix="bench-conflicts-") as folder:
        database = Database(url or f"sqlite+aiosqlite:///{Path(folder) / 'mailroom.db'}")
        try:
            await upgrade(database)
            now, settings = datetime.now(UTC), Settings()
            async with database.session() as session:
                owner = await ensure_default_user(session, now, settings)
            await fill(database, owner, count)
            pick, taken, found = random.Random(2), [], 0
            for number in range(checks):
                draft = Draft.of(spec(pick, number), None)
                began = time.perf_counter()
                async with database.session() as session:
                    found += len(await survey(session, draft, Viewer(owner.id), now=now, settings=settings))
                taken.append((time.perf_counter() - began) * 1000)
        finally:
            await database.close()
    if not found:
        raise SystemExit("No check found anything to warn of; the figures would be of an empty database.")
    return {
        "first": round(taken[0], 1),
        "median": round(sorted(taken)[checks // 2], 1),
        "p95": round(sorted(taken)[math.ceil(checks * 0.95) - 1], 1),
        "slowest": round(max(taken), 1),
    }


def conflicts_10k_ms() -> float:
    """The figure of `bench/out/time.json`."""
    return asyncio.run(measure())["p95"]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure())))
