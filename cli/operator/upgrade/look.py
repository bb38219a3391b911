"""Find out what an upgrade would meet. Nothing is changed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import prefect
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select
from sqlalchemy.exc import SQLAlchemyError

from cli.database import prefect_database_url
from cli.doctor.finding import Finding
from cli.operator.upgrade import checks
from cli.operator.upgrade.checks import LastBackup
from mailroom.backups import databases
from mailroom.heartbeats import repository as heartbeats
from mailroom.heartbeats.decide import living
from mailroom.settings import Settings
from mailroom.storage import migrations
from mailroom.storage.artifacts import free_mb
from mailroom.storage.database import Database
from mailroom.storage.migrations import Step
from mailroom.storage.tables import AuditEvent
from mailroom.watching.signs.prefect import Probe
from prefect_mailroom.errors import ConfigurationError, MailroomError

_PREFECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """A look at an upgrade: its steps, and the findings that may forbid it."""

    there: str
    steps: list[Step]
    findings: list[Finding]
    last_backup: LastBackup | None

    @property
    def is_first(self) -> bool:
        """Return whether there are no tables yet, so that nothing can be lost."""
        return not self.there


async def look(settings: Settings, *, without_backup: bool, now: datetime) -> Outlook:
    """Look at the database, Prefect, the disk, the last backup and what runs.

    Raises:
        MailroomError: the database cannot be reached.
    """
    there = await _version(settings)
    known = not there or migrations.knows(there)
    steps = migrations.lacking(there) if known else []
    needed = bool(steps and there)
    last, alive = await _stored(settings, now) if there else (None, set[str]())
    findings = [
        checks.tables(there, migrations.newest(), steps, known=known),
        await _prefect_tables(settings),
        await _prefect_server(settings),
        await asyncio.to_thread(_space, settings),
        checks.backup(last, now, needed=needed, waived=without_backup),
        checks.processes(alive, there, migrations.WORKS_FROM, needed=needed),
    ]
    return Outlook(there, steps, findings, last)


async def _version(settings: Settings) -> str:
    url = settings.database
    if databases.kind_of(url) == "sqlite" and not databases.file_of(url).is_file():
        return ""  # Asking would make it.
    database = Database(url)
    try:
        return await migrations.version(database)
    except (SQLAlchemyError, OSError) as error:
        raise MailroomError(
            f"The database cannot be reached: {type(error).__name__}.",
            remedy="Start it, or correct MAILROOM_DATABASE_URL.",
        ) from error
    finally:
        await database.close()


async def _stored(settings: Settings, now: datetime) -> tuple[LastBackup | None, set[str]]:
    """Return the last backup and what lives, as far as tables of an earlier version tell."""
    database = Database(settings.database)
    made = select(AuditEvent.entity_id, AuditEvent.detail).where(
        AuditEvent.entity_type == "backup", AuditEvent.action == "made"
    )
    try:
        async with database.engine.connect() as connection:
            there = set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))
        async with database.session() as session:
            row = (await session.execute(made.order_by(AuditEvent.at.desc()).limit(1))).first()
            beats = await heartbeats.every(session) if "heartbeats" in there else []
    finally:
        await database.close()
    last = LastBackup(datetime.fromisoformat(row[0]).astimezone(UTC), str(row[1]["folder"])) if row else None
    return last, living(beats, now)


async def _prefect_tables(settings: Settings) -> Finding:
    try:
        url = prefect_database_url(settings)
        there = await databases.schema_version(url)
    except (ConfigurationError, MailroomError):
        return checks.prefect_tables(None, "", known=False)
    dialect = "sqlite" if databases.kind_of(url) == "sqlite" else "postgresql"
    folder = Path(prefect.__file__).parent / "server" / "database" / "_migrations"
    scripts = ScriptDirectory(str(folder), version_locations=[str(folder / "versions" / dialect)])
    known = {script.revision for script in scripts.walk_revisions()}
    return checks.prefect_tables(there, ",".join(sorted(scripts.get_heads())), known=there in known)


async def _prefect_server(settings: Settings) -> Finding:
    probe = Probe(settings)
    try:
        signs = await probe.ask(_PREFECT_SECONDS)
    finally:
        await probe.close()
    return checks.prefect_server(signs.version if signs.answers else None, version("prefect"))


def _space(settings: Settings) -> Finding:
    url, needed = settings.database, settings.min_free_mb
    if databases.kind_of(url) == "sqlite" and (file := databases.file_of(url)).is_file():
        needed += 2 * file.stat().st_size // 2**20
    folder = settings.data_dir
    while not folder.exists():
        folder = folder.parent
    return checks.space(free_mb(folder), needed)
