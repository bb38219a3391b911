"""Opens our tables for commands that read them directly."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from mailroom.settings import Settings
from prefect_mailroom.errors import MailroomError

if TYPE_CHECKING:
    from mailroom.storage.database import Database


def who() -> str:
    """Return who acts on the command line, as the audit trail names them."""
    return f"{getpass.getuser()} (command line)"


async def our_database(settings: Settings) -> Database:
    """Return our tables, which must be there.

    Raises:
        MailroomError: they are missing or old.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from mailroom.storage import migrations
    from mailroom.storage.database import Database

    remedy = "Run `mailroom init`, or set MAILROOM_DATA_DIR or MAILROOM_DATABASE_URL to where the tables are."
    database = Database(settings.database)
    try:
        fine = (await migrations.fit(database)).works
    except (SQLAlchemyError, OSError) as error:
        await database.close()
        raise MailroomError(f"The database cannot be reached: {type(error).__name__}.", remedy=remedy) from error
    if not fine:
        await database.close()
        raise MailroomError("The database does not have the tables of this version.", remedy=remedy)
    return database
