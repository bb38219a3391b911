"""`make bench-pages`: the pages in Chromium over 10,000 schedules and 100,000 executions, people at work; pages.json.

SCHEDULES=10000 EXECUTIONS=10 (a schedule) PARTS=pages,people ONLY=schedules THEMES=light,dark can be set. The part
`pages` has an API process of its own and no Prefect; the part `people` starts everything.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from bench.api import data
from bench.browsing.chromium import Theme, chromium, find
from bench.pages.load import asked, load, row
from bench.pages.people import people
from bench.pages.table import table
from bench.peak.waiting import say
from bench.serving import Served, serving, settings_in
from mailroom.members import web_sessions
from mailroom.members.web_sessions import Origin
from mailroom.roles import Role
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.tables import Execution, Schedule, User

OUT = Path(__file__).parents[1] / "out" / "pages.json"
_CURSOR = re.compile(r"[?&;]cursor=([^&\"]+)")
PAGES = {
    "schedules": "/schedules",
    "schedules-next": "/schedules?cursor={schedules_cursor}",
    "schedules-search": "/schedules?search=99",
    "schedules-recipient": "/schedules?recipient=team100@example.com",
    "schedules-failing": "/schedules?view=failing",
    "schedule": "/schedules/{schedule}",
    "executions": "/executions",
    "executions-next": "/executions?cursor={executions_cursor}",
    "executions-connection": "/executions?destination=email:mail",
    "executions-recipient": "/executions?recipient=team100@example.com",
    "execution": "/executions/{execution}",
    "wizard-new": "/schedules/new",
    "wizard-report": "/drafts/{draft}/report",
    "wizard-frequency": "/drafts/{draft}/frequency",
    "wizard-parameters": "/drafts/{draft}/parameters",
    "wizard-destinations": "/drafts/{draft}/destinations",
    "wizard-review": "/drafts/{draft}/review",
    "monitoring": "/monitoring",
    "monitoring-month": "/monitoring?period=30d",
    "connections": "/connections",
    "reports": "/reports",
    "report": "/reports/orders",
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
    persons = await data.fill(settings, 20, schedules, executions)
    say(f"{schedules:,} schedules and {schedules * executions:,} executions are stored")
    secret, ids = await _log_in(settings)
    found = []
    with serving(settings) as served:
        ids |= await asyncio.to_thread(_addresses, served, persons[0].key)
        async with chromium(path) as browser:
            for name in _asked("ONLY", ",".join(PAGES)):
                place = (name, PAGES[name].format_map(ids))
                answers = await asked(served, secret, place[1])
                for theme in _asked("THEMES", "light,dark"):
                    shade: Theme = "dark" if theme == "dark" else "light"
                    loaded = await load(browser, served, secret, place, shade, answers)
                    say(f"{loaded.page}, {shade}: p95 {loaded.server_p95_ms:g} ms, {loaded.kb_warm:g} KB warm")
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


def _addresses(served: Served, key: str) -> dict[str, str]:
    """Return the cursors of the second pages as the lists give them, and a draft of the admin with every part in it."""
    with served.client(key) as http:
        draft = http.post("/drafts", json={"body": data.stored_body(4)}).raise_for_status().json()["id"]
    with httpx.Client(base_url=served.url, timeout=60, trust_env=False) as http:
        http.headers["Authorization"] = f"Bearer {key}"
        pages = {}
        for name in ("schedules", "executions"):
            page = http.get(f"/{name}", headers={"Accept": "text/html"}).raise_for_status().text
            found = _CURSOR.search(page)
            assert found is not None, f"the list of {name} has one page only"
            pages[f"{name}_cursor"] = found.group(1)
    return {"draft": draft, **pages}


async def measure(path: Path) -> dict[str, Any]:
    """Return the figures."""
    parts, figures = _asked("PARTS", "pages,people"), dict[str, Any]()
    if "pages" in parts:
        with tempfile.TemporaryDirectory(prefix="bench-pages-") as folder:
            figures["pages"] = await pages(Path(folder) / "data", path)
    if "people" in parts:
        figures |= await people(path)
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
    print(table(figures))
    print(f"Written to {OUT}")


if __name__ == "__main__":
    main()
