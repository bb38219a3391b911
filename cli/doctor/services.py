"""Checks of what Mailroom works with: its database, Prefect, the worker, the connections, the API."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime, timedelta
from urllib.parse import quote

import httpx
from sqlalchemy.exc import SQLAlchemyError

from cli.doctor import parts
from cli.doctor.finding import Finding, ok, problem, warning
from mailroom.access import repository as access
from mailroom.access.viewer import SYSTEM
from mailroom.connections import repository as connection_repository
from mailroom.rendering import client
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.hosts.clock import local_time
from mailroom.storage.tables import Connection
from mailroom.watching.checks import every
from mailroom.watching.checks.database import LOST
from mailroom.watching.checks.database import SECONDS as LONGEST
from mailroom.watching.checks.spec import CheckName, State
from mailroom.watching.signs import prefect_login
from mailroom.watching.signs.prefect import Probe
from prefect_mailroom.errors import MailroomError

_NAMED = 5
_START = "Start it with `mailroom up`."
_PREFECT_SECONDS = 5.0


def tables_of(settings: Settings) -> Database | None:
    """Return the database; None where nobody has made one yet, since SQLite would make it by being asked."""
    if not settings.database_url and not (settings.data_dir / "mailroom.db").is_file():
        return None
    return Database(settings.database)


async def stored_connections(tables: Database) -> list[Connection]:
    """Return the connections that our tables name."""
    async with tables.session() as session:
        return list(await connection_repository.every(session, viewer=SYSTEM))


async def registered(settings: Settings) -> list[Finding]:
    """Check whether Prefect, which answers, has the work pool and the block types."""
    base = settings.prefect_api
    async with httpx.AsyncClient(timeout=5, trust_env=False, headers=prefect_login.headers(os.environ)) as client:
        try:
            pool = await client.get(f"{base}/work_pools/{quote(settings.work_pool)}")
            slugs = await _block_slugs(client, base)
        except httpx.HTTPError as error:
            text = f"Prefect stopped answering meanwhile ({type(error).__name__})."
            return [problem("work pool", text, _START)]
    return [work_pool(settings.work_pool, pool.status_code), block_types(slugs)]


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


def work_pool(name: str, status: int) -> Finding:
    """Check whether the pool exists, by the HTTP status of asking for it. Pure."""
    if status == 200:
        return ok("work pool", name)
    return problem("work pool", f"There is no work pool '{name}'.", "Run `mailroom init`, or set MAILROOM_WORK_POOL.")


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


async def _time_of(tables: Database | None) -> datetime:
    """Return the database's time, or that of this host where it has none or does not answer."""
    if tables is None:
        return local_time()
    try:
        async with asyncio.timeout(LONGEST):
            await tables.agree_on_time()
    except LOST:
        return local_time()  # The check of the database tells of it.
    return tables.now()


async def everything(settings: Settings) -> list[Finding]:
    """Run all checks of what runs beside us."""
    tables = tables_of(settings)
    now = await _time_of(tables)
    probe = Probe(settings, clock=tables.now if tables is not None else local_time)
    try:
        checks = await every.look(tables, settings, probe, now=now, seconds=_PREFECT_SECONDS)
        has_tables = checks[CheckName.DATABASE].state is State.OK and tables is not None
        rows = await stored_connections(tables) if tables is not None and has_tables else []
    finally:
        await probe.close()
        if tables is not None:
            await tables.close()
    if not settings.data_dir.is_dir():
        del checks[CheckName.DISK]  # The check of the folder tells of it.
    found = parts.findings(checks.values())
    if has_tables:
        found.append(await keys(settings, now))
    if checks[CheckName.CLOCK].state is not State.UNKNOWN:  # Prefect has answered.
        found += [*await registered(settings), *await connections(rows, settings)]
    elif rows:
        found.append(warning("connections", "Not checked, because Prefect, which stores them, does not answer."))
    return [*found, await renderers(settings), await api(settings)]
