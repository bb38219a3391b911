"""Take and put back a database, on SQLite or on Postgres, and read from one what a manifest says of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from mailroom.backups import postgres_tools, sqlite_copies
from mailroom.backups.manifest import Kind, Part, digest_of
from mailroom.backups.sqlite_copies import Progress
from mailroom.storage.database import Database
from mailroom.storage.hosts.clock import local_time
from prefect_mailroom.errors import MailroomError


def kind_of(url: str) -> Kind:
    """Return the kind of the database of a URL. Pure."""
    return "sqlite" if url.startswith("sqlite") else "postgres"


def file_of(url: str) -> Path:
    """Return the file of a SQLite database. Pure."""
    return Path(make_url(url).database or "")


async def take(url: str, folder: Path, name: str, progress: Progress) -> Part:
    """Write a database as a part of a backup.

    Raises:
        MailroomError: it cannot be read.
    """
    kind, version = kind_of(url), await schema_version(url)
    target = folder / f"{name}.{'db' if kind == 'sqlite' else 'dump'}"
    taken_at = local_time()
    if kind == "sqlite":
        await asyncio.to_thread(sqlite_copies.dump, file_of(url), target, progress)
    else:
        await asyncio.to_thread(postgres_tools.dump, url, target)
    size, sha256 = await asyncio.to_thread(digest_of, target)
    return Part(
        name=name,
        kind=kind,
        file=target.name,
        bytes=size,
        sha256=sha256,
        taken_at=taken_at,
        schema_version=version,
    )


async def schema_version(url: str) -> str:
    """Return the version of the tables, as Alembic wrote it down; both Mailroom and Prefect use it.

    Raises:
        MailroomError: the database cannot be read, or has no tables.
    """
    if kind_of(url) == "sqlite" and not file_of(url).is_file():
        raise MailroomError(f"There is no database at {file_of(url)}.", remedy="Correct its address.")
    database = Database(url)
    try:
        async with database.session() as session:
            found = (await session.scalars(text("SELECT version_num FROM alembic_version"))).all()
    except (SQLAlchemyError, OSError) as error:
        raise MailroomError(
            f"A database cannot be read: {type(error).__name__}.", remedy="Start it, or correct its address."
        ) from error
    finally:
        await database.close()
    return ",".join(sorted(str(one) for one in found))


def fault_of(kind: Kind, file: Path) -> str:
    """Return what is wrong inside a part that is a database, or an empty text."""
    return sqlite_copies.fault_of(file) if kind == "sqlite" else postgres_tools.fault_of(file)


def is_empty(url: str) -> bool:
    """Tell whether a database has no tables, or does not exist yet (SQLite)."""
    return sqlite_copies.is_empty(file_of(url)) if kind_of(url) == "sqlite" else postgres_tools.is_empty(url)


def put_back(part: Part, folder: Path, url: str, *, replace: bool, aside: str) -> Path | None:
    """Put a part in the place of a database; return where a database of SQLite that was there is now.

    Raises:
        Conflict: somebody uses the database.
        MailroomError: it did not work, and nothing was changed but what `replace` allows.
    """
    if part.kind == "sqlite":
        return sqlite_copies.load(folder / part.file, file_of(url), aside=aside)
    postgres_tools.load(folder / part.file, url, replace=replace)
    return None
