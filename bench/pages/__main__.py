"""`make bench-pages`: the pages in Chromium over 10,000 schedules and 100,000 executions, people at work; pages.json.

SCHEDULES=10000 EXECUTIONS=10 (a schedule) PARTS=pages,people ONLY=schedules THEMES=light,dark can be set. The part
`pages` has an API process of its own and no Prefect; the part `people` starts everything.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bench.api import data
from bench.browsing.chromium import Theme, chromium, find
from bench.pages.load import load, row
from bench.peak.waiting import say
from bench.serving import serving, settings_in
from mailroom.members import web_sessions
from mailroom.members.web_sessions import Origin
from mailroom.roles import Role
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.tables import Execution, Schedule, User

OUT = Path(__file__).parents[1] / "out" / "pages.json"
PAGES = {
    "schedules": "/schedules",
    "schedules-search": "/schedules?search=99",
    "schedule": "/schedules/{schedule}",
    "executions": "/executions",
    "execution": "/executions/{execution}",
    "wizard-report": "/schedules/new",
    "connections": "/connections",
    "reports": "/reports",
    "calendars": "/calendars",
    "templates": "/templates",
    "audit": "/audit",
    "users": "/settings/users",
    "keys": "/settings/keys",
    "me": "/me",
}


def _asked(name: str, default: str) -> list[str]:
    return [part for part in (os.environ.get(name, "") or default).split(",") if part]


async def pages(folder: Path, path: Path) -> list[dict[str, Any]]:
    """Load every page in every theme over a large installation."""
    settings = settings_in(folder)
    schedules, executions = int(os.environ.get("SCHEDULES") or 10_000), int(os.environ.get("EXECUTIONS") or 10)
    await data.fill(settings, 20, schedules, executions)
    say(f"{schedules:,} schedules and {schedules * executions:,} executions are stored")
    secret, ids = await _log_in(settings)
    found = []
    with serving(settings) as served:
        async with chromium(path) as browser:
            for name in _asked("ONLY", ",".join(PAGES)):
                for theme in _asked("THEMES", "light,dark"):
                    shade: Theme = "dark" if theme == "dark" else "light"
                    place = (name, PAGES[name].format_map(ids))
                    loaded = await load(browser, served.url, secret, place, shade)
                    say(str(loaded))
                    found.append(row(loaded))
    return found


async def _log_in(settings: Settings) -> tuple[str, dict[str, str]]:
    """Begin a session of an admin; return its secret, and ids to look at."""
    database, now = Database(settings.database), datetime.now(UTC)
    async with database.session() as session:
        user = (await session.scalars(select(User).where(User.role == Role.ADMIN).limit(1))).one()
        _, secret = await web_sessions.begin(
            session, user, "link", Origin("127.0.0.1", "bench"), now=now, settings=settings
        )
        schedule = (await session.scalars(select(Schedule.id).limit(1))).one()
        query = select(Execution.id).where(Execution.schedule_id == schedule).limit(1)
        ids = {"schedule": schedule, "execution": (await session.scalars(query)).one()}
    await database.close()
    return secret, ids


async def measure(path: Path) -> dict[str, Any]:
    """Return the figures."""
    parts, figures = _asked("PARTS", "pages,people"), dict[str, Any]()
    if "pages" in parts:
        with tempfile.TemporaryDirectory(prefix="bench-pages-") as folder:
            figures["pages"] = await pages(Path(folder) / "data", path)
    return figures


def main() -> None:
    """Measure, print, and write the file."""
    path = find()
    if path is None:
        sys.exit("There is no Chromium on the PATH. Install it, or name it by MAILROOM_CHROMIUM.")
    figures = asyncio.run(measure(path))
    about = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "python": platform.python_version()}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({**figures, **about}, indent=2) + "\n")
    print(f"Written to {OUT}")


if __name__ == "__main__":
    main()
