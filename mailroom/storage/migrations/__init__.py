"""Schema history of our tables, forward only; `upgrade` brings a database to the newest version."""

from __future__ import annotations

from dataclasses import dataclass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from mailroom.storage.database import Database
from prefect_mailroom.errors import ConfigurationError

WORKS_FROM = "0033"
"""The oldest version of the tables whose programs can work with the newest ones."""


@dataclass(frozen=True, slots=True)
class Step:
    """A migration that a database lacks: its version, and what it does, in words."""

    version: str
    words: str


def alembic_config(connection: Connection) -> Config:
    """Return what Alembic needs to work on our tables through this connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Several processes may start at once; the lock goes with the transaction.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7245011)")
    else:
        # SQLite would begin a transaction only with the first row that is written, and leave half an upgrade.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    command.upgrade(alembic_config(connection), "head")


async def upgrade(database: Database) -> None:
    """Create or upgrade every table, in one transaction."""
    async with database.engine.begin() as connection:
        await connection.run_sync(_upgrade)


def newest() -> str:
    """Return the newest version of the tables that this code knows."""
    return ",".join(sorted(_scripts().get_heads()))


def knows(version: str) -> bool:
    """Tell whether this code knows a version of the tables, and so can bring it forward."""
    return version in {script.revision for script in _scripts().walk_revisions()}


def _there(connection: Connection) -> str:
    return ",".join(sorted(MigrationContext.configure(connection).get_current_heads()))


async def version(database: Database) -> str:
    """Return the version of the tables of a database; empty where it has none."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(_there)


def lacking(version: str) -> list[Step]:
    """Return what a database of a known version lacks, in the order in which it is done."""
    newer = _scripts().iterate_revisions("heads", version or "base")
    return [Step(one.revision, (one.doc or "").strip()) for one in reversed(list(newer))]


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return ScriptDirectory.from_config(config)


def _is_current(connection: Connection) -> bool:
    heads = ScriptDirectory.from_config(alembic_config(connection)).get_heads()
    return set(MigrationContext.configure(connection).get_current_heads()) == set(heads)


async def is_current(database: Database) -> bool:
    """Tell whether the database is at the newest version."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(_is_current)


@asynccontextmanager
async def saying_where_missing(database: Database) -> AsyncIterator[None]:
    """Say what to do where the database turns out to have no tables at all; leave every other error alone.

    Raises:
        ConfigurationError: in place of the error of a database that nobody has made yet.
    """
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        if await _is_made(database):
            raise
        where = database.engine.url.render_as_string(hide_password=True)
        message = f"Mailroom's tables are not in {where}, which is the database of this process."
        remedy = (
            "Run `mailroom init` to make them, or set MAILROOM_DATA_DIR or MAILROOM_DATABASE_URL where the worker "
            "starts, to what the rest of Mailroom uses."
        )
        raise ConfigurationError(message, remedy=remedy, field="MAILROOM_DATABASE_URL") from error


async def _is_made(database: Database) -> bool:
    try:
        async with database.engine.connect() as connection:
            return await connection.run_sync(lambda sync: bool(MigrationContext.configure(sync).get_current_heads()))
    except (SQLAlchemyError, OSError):
        return database.engine.dialect.name != "sqlite"  # A server that does not answer may have them all the same.
