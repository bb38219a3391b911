"""Schema history of our tables, forward only; `upgrade` brings a database to the newest version.

Old and new programs run side by side while an installation is upgraded. So a migration only adds what earlier programs
need not know, and `WORKS_FROM` says how far back that holds; the database keeps it. A program that finds newer tables
works on with them if they say so, and refuses them otherwise. What is no longer needed is removed by a later migration,
which raises `WORKS_FROM`. A test holds each migration to that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from mailroom.errors import Conflict
from mailroom.storage.database import Database
from prefect_mailroom.errors import ConfigurationError

WORKS_FROM = "0033"
"""The oldest version of the tables whose programs can work with the newest ones."""


@dataclass(frozen=True, slots=True)
class Step:
    """A migration that a database lacks: its version, and what it does, in words."""

    version: str
    words: str


class Fit(StrEnum):
    """The fit of a database's tables to this program. It can work with `newer` tables, and not with those `too new`."""

    CURRENT = "current"
    NEWER = "newer"
    OLDER = "older"
    TOO_NEW = "too new"

    @property
    def works(self) -> bool:
        """Tell whether this program can work with the tables."""
        return self in (Fit.CURRENT, Fit.NEWER)


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
    match _fit(connection):
        case Fit.NEWER:
            return  # A newer program has upgraded them, and nothing is ever taken back.
        case Fit.TOO_NEW:
            raise Conflict(
                "The tables were upgraded by a newer version, which this one cannot work with.",
                remedy="Run the newer version everywhere, or restore the backup that was made before the upgrade.",
            )
    command.upgrade(alembic_config(connection), "head")
    connection.execute(text("UPDATE ledger_clock SET works_from = :oldest"), {"oldest": WORKS_FROM})


async def upgrade(database: Database) -> None:
    """Create or upgrade every table, in one transaction; newer tables that this program can work with stay as they are.

    Raises:
        Conflict: the tables are of a newer version that this program cannot work with.
    """
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


def _fit(connection: Connection) -> Fit:
    scripts = ScriptDirectory.from_config(alembic_config(connection))
    there, heads = set(MigrationContext.configure(connection).get_current_heads()), set(scripts.get_heads())
    known = {script.revision for script in scripts.walk_revisions()}
    if there == heads:
        return Fit.CURRENT
    if there <= known:
        return Fit.OLDER
    return fit_of_newer(_works_from(connection), max(heads))


def fit_of_newer(works_from: str | None, newest_known: str) -> Fit:
    """Return how tables of an unknown, newer version fit, by the oldest version that they say works. Pure."""
    return Fit.NEWER if works_from is not None and works_from <= newest_known else Fit.TOO_NEW


def _works_from(connection: Connection) -> str | None:
    columns = {column["name"] for column in inspect(connection).get_columns("ledger_clock")}
    if "works_from" not in columns:
        return None
    said = connection.execute(text("SELECT works_from FROM ledger_clock")).scalar()
    return None if said is None else str(said)


async def fit(database: Database) -> Fit:
    """Tell how the tables of the database fit this program."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(_fit)


async def is_current(database: Database) -> bool:
    """Tell whether the database is at the newest version."""
    return await fit(database) is Fit.CURRENT


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
