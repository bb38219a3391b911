"""Checks of what Mailroom works with: its database, Prefect, the worker, the connections, the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

import httpx
from sqlalchemy.exc import SQLAlchemyError

from cli.doctor.finding import Finding, Level, ok, problem, warning
from mailroom.access import repository as access
from mailroom.access.viewer import SYSTEM
from mailroom.connections import repository as connection_repository
from mailroom.rendering import client
from mailroom.settings import Settings
from mailroom.storage import migrations
from mailroom.storage.database import Database
from mailroom.storage.tables import Connection
from prefect_mailroom.errors import MailroomError

_NAMED = 5
_START = "Start it with `mailroom up`."
# A worker is heard from every 30 s.
_SILENT = timedelta(seconds=90)


async def database(settings: Settings) -> tuple[Finding, list[Connection]]:
    """Check whether our tables are there and current; return that, and the connections that they name."""
    name = "database"
    if not settings.database_url and not (settings.data_dir / "mailroom.db").is_file():
        return problem(name, "The data folder has no database.", "Run `mailroom init`."), []
    tables = Database(settings.database)
    try:
        if not await migrations.is_current(tables):
            return problem(name, "The tables are of another version.", "Run `mailroom init`, which upgrades them."), []
        async with tables.session() as session:
            return ok(name, tables.engine.dialect.name), list(await connection_repository.every(session, viewer=SYSTEM))
    except (SQLAlchemyError, OSError) as error:
        return problem(
            name, f"The database cannot be reached: {type(error).__name__}.", "Check MAILROOM_DATABASE_URL."
        ), []
    finally:
        await tables.close()


async def prefect(settings: Settings) -> list[Finding]:
    """Check whether Prefect answers with our version and our clock, and has the pool, a worker and the block types."""
    base = settings.prefect_api
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        try:
            answer = await client.get(f"{base}/admin/version")
            answer.raise_for_status()
            pool = await client.get(f"{base}/work_pools/{quote(settings.work_pool)}")
            workers = await client.post(f"{base}/work_pools/{quote(settings.work_pool)}/workers/filter", json={})
            slugs = await _block_slugs(client, base)
        except httpx.HTTPError as error:
            text = f"Prefect does not answer at {base} ({type(error).__name__})."
            return [problem("Prefect", text, f"{_START} Or set MAILROOM_PREFECT_API_URL.")]
    return [
        versions(answer.json(), version("prefect")),
        skew(datetime.now(UTC), answer.headers.get("date", "")),
        work_pool(settings.work_pool, pool.status_code),
        worker(workers.json() if workers.is_success else [], datetime.now(UTC)),
        block_types(slugs),
    ]


async def keys(settings: Settings, now: datetime) -> Finding:
    """Check whether keys of users end soon, or are old."""
    name, tables = "keys of users", Database(settings.database)
    soon, long_ago = now + timedelta(days=settings.key_reminder_days), now - timedelta(days=settings.key_old_days)
    try:
        async with tables.session() as session:
            found = await access.keys_to_replace(
                session, viewer=SYSTEM, now=now, ends_before=soon, made_before=long_ago
            )
    except (SQLAlchemyError, OSError) as error:
        return warning(name, f"Not checked, because the database cannot be read: {type(error).__name__}.")
    finally:
        await tables.close()
    if not found:
        return ok(name, "none ends soon or is old")
    told = [f"{key.name} ({key.prefix}…)" for key in found[:_NAMED]]
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    text = f"These end within {settings.key_reminder_days} days, or are over {settings.key_old_days} days old:"
    return warning(name, f"{text} {', '.join(told)}{more}.", "Replace them: `mailroom keys create`, then `revoke`.")


def versions(server: str, here: str) -> Finding:
    """Check whether server and client are the same Prefect. Pure."""
    if server == here:
        return ok("Prefect", server)
    return problem(
        "Prefect",
        f"The server runs Prefect {server}, but {here} is installed here.",
        ("Run the same version at both ends."),
    )


def skew(now: datetime, date_header: str) -> Finding:
    """Check whether Prefect's clock agrees with ours. Pure."""
    try:
        seconds = abs((now - parsedate_to_datetime(date_header)).total_seconds())
    except ValueError:
        return warning("clock of Prefect", "The server does not send its time.")
    if seconds > 5:
        return problem(
            "clock of Prefect",
            f"The server's clock differs from ours by {seconds:.0f} s.",
            ("Synchronise both clocks."),
        )
    return ok("clock of Prefect", "agrees with ours")


def work_pool(name: str, status: int) -> Finding:
    """Check whether the pool exists, by the HTTP status of asking for it. Pure."""
    if status == 200:
        return ok("work pool", name)
    return problem("work pool", f"There is no work pool '{name}'.", "Run `mailroom init`, or set MAILROOM_WORK_POOL.")


def worker(found: list[dict[str, Any]], now: datetime) -> Finding:
    """Check whether a worker of the pool was heard from lately. Pure."""
    names = [w["name"] for w in found if now - datetime.fromisoformat(w["last_heartbeat_time"]) < _SILENT]
    if names:
        return ok("worker", ", ".join(names))
    return problem("worker", "No worker is online, so no schedule would run.", _START)


def block_types(registered: set[str]) -> Finding:
    """Check whether Prefect knows every kind of connection."""
    from mailroom.connections import kinds

    known = kinds.block_types()
    missing = sorted({kind.get_block_type_slug() for kind in known.values()} - registered)
    if missing:
        return problem(
            "block types", f"Prefect does not know these block types: {', '.join(missing)}.", ("Run `mailroom init`.")
        )
    return ok("block types", f"{len(known)} registered")


async def _block_slugs(client: httpx.AsyncClient, base: str) -> set[str]:
    found: set[str] = set()
    while True:
        page = (await client.post(f"{base}/block_types/filter", json={"offset": len(found)})).raise_for_status().json()
        fresh = {kind["slug"] for kind in page} - found
        if not fresh:
            return found
        found |= fresh


async def connections(rows: list[Connection], settings: Settings) -> list[Finding]:
    """Ask each connection's far side whether it works; nothing is delivered."""
    from mailroom.connections.checks import of_connection

    found = []
    for row in rows:
        name = f"connection {row.name}"
        try:
            checked = await of_connection(row, settings)
            checked.require()
            found.append(ok(name, checked.message))
        except MailroomError as error:
            found.append(problem(name, error.message, error.remedy or "Check its settings."))
    return found


async def api(settings: Settings) -> Finding:
    """Check whether the API answers, and takes our key."""
    from cli.rest_client import api_key

    url = f"http://{settings.host}:{settings.api_port}/api/v1/schedules/?limit=1"
    try:
        headers = {"Authorization": f"Bearer {api_key(settings)}"}
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            status = (await client.get(url, headers=headers)).status_code
    except MailroomError as error:
        return problem("API", error.message, error.remedy)
    except httpx.HTTPError as error:
        return problem("API", f"The API does not answer at {url} ({type(error).__name__}).", _START)
    return api_status(status)


def api_status(status: int) -> Finding:
    """Return what the API's answer means. Pure."""
    if status == 200:
        return ok("API", "answers and accepts the key")
    if status == 401:
        return problem("API", "The API refuses the key.", "Use the key that it was started with: MAILROOM_API_KEY.")
    return problem("API", f"The API answers HTTP {status}.", "Look at the log of the API.")


async def renderers(settings: Settings) -> Finding:
    """Check whether the renderers take jobs."""
    try:
        _, connection = await client.connect(settings)
    except MailroomError as error:
        return problem("renderers", error.message, error.remedy)
    connection.close()
    return ok("renderers", f"serve on {settings.renderers_path}")


async def everything(settings: Settings) -> list[Finding]:
    """Run all checks of what runs beside us."""
    first, rows = await database(settings)
    about_prefect = await prefect(settings)
    answers = len(about_prefect) > 1
    if answers:
        about_connections = await connections(rows, settings)
    else:
        about_connections = (
            [warning("connections", "Not checked, because Prefect, which stores them, does not answer.")]
            if rows
            else []
        )
    about_keys = [await keys(settings, datetime.now(UTC))] if first.level is Level.OK else []
    return [first, *about_keys, *about_prefect, *about_connections, await renderers(settings), await api(settings)]
