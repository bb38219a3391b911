"""Opens our tables for commands that read them directly."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING

from mailroom.settings import Settings
from prefect_mailroom.errors import ConfigurationError, MailroomError

if TYPE_CHECKING:
    from mailroom.storage.database import Database

_PREFECT_URL = "PREFECT_SERVER_DATABASE_CONNECTION_URL"


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


def prefect_database_url(settings: Settings, *, may_be_missing: bool = False) -> str:
    """Return the URL of Prefect's own database.

    Args:
        may_be_missing: whether the file of an embedded system need not be there, since it is about to be restored.

    Raises:
        ConfigurationError: it is not known.
    """
    from mailroom.settings import with_async_driver

    given = settings.prefect_database_url or os.environ.get(_PREFECT_URL, "")
    if given:
        return with_async_driver(given)
    file = settings.data_dir / "prefect" / "prefect.db"
    is_here = settings.mode == "embedded" and not settings.prefect_api_url
    if not is_here or not (may_be_missing or file.is_file()):
        raise ConfigurationError(
            "It is not known where Prefect's own database is.",
            remedy="Set MAILROOM_PREFECT_DATABASE_URL to the database of the Prefect server.",
            field="MAILROOM_PREFECT_DATABASE_URL",
        )
    return f"sqlite+aiosqlite:///{file}"
