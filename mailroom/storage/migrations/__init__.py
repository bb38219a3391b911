"""Schema history of our tables, forward only; `upgrade` brings a database to the newest version.

Old and new programs run side by side while an installation is upgraded. So a migration only adds what earlier programs
need not know, and `WORKS_FROM` says how far back that holds; the database keeps it. A program that finds newer tables
works on with them if they say so, and refuses them otherwise. What is no longer needed is removed by a later migration,
which raises `WORKS_FROM`. A test holds each migration to that.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from mailroom.errors import Conflict
from mailroom.storage.database import Database

WORKS_FROM = "0033"
"""The oldest version of the tables whose programs can work with the newest ones."""


class Fit(StrEnum):
    """How the tables of a database fit this program: `newer` ones say that it can work with them."""

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
