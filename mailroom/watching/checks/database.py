"""Check whether the database answers, and whether its tables are of this version."""

from __future__ import annotations

import asyncio

from sqlalchemy.exc import SQLAlchemyError

from mailroom.storage.database import Database
from mailroom.storage.migrations import Fit, fit
from mailroom.watching.checks.spec import Check, CheckName, State

SECONDS = 5.0
LOST = (SQLAlchemyError, OSError, TimeoutError)
"""The errors by which a database shows that it does not answer."""
_REMEDY = "Check MAILROOM_DATABASE_URL, and whether the database runs."


async def look(database: Database | None, seconds: float = SECONDS) -> Check:
    """Ask the database for its version, within so many seconds; None stands for one that nobody has made yet."""
    if database is None:
        return Check(CheckName.DATABASE, State.PROBLEM, "The data folder has no database.", "Run `mailroom init`.")
    try:
        async with asyncio.timeout(seconds):
            return judge(await fit(database), dialect=database.engine.dialect.name)
    except LOST as error:
        return judge(error=type(error).__name__)


def judge(tables: Fit = Fit.CURRENT, *, dialect: str = "", error: str = "") -> Check:
    """Return what was found. Pure."""
    if error:
        return Check(CheckName.DATABASE, State.PROBLEM, f"The database does not answer ({error}).", _REMEDY)
    if tables is Fit.TOO_NEW:
        message = "The tables are of a newer version, which this program cannot work with."
        return Check(CheckName.DATABASE, State.PROBLEM, message, "Run the newer version here as well.")
    if tables is Fit.OLDER:
        message = "The tables are of another version, so the database needs migration: run `mailroom init`."
        return Check(CheckName.DATABASE, State.PROBLEM, message, "Run `mailroom init`, which upgrades them.")
    if tables is Fit.NEWER:
        return Check(CheckName.DATABASE, State.OK, f"{dialect}, with newer tables that fit")
    return Check(CheckName.DATABASE, State.OK, dialect)
