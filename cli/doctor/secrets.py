"""Checks of the secrets of the installation: whether production could start with them, and how old they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from cli.doctor.finding import Finding, ok, problem, warning
from embedded.data_dir import BlockKeyFiles
from mailroom.secrets import ages, required
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.model.audit import SecretAge


def strength(settings: Settings) -> list[Finding]:
    """Check whether production may start with the secrets of this environment. Pure."""
    if settings.mode != "production":
        return [ok("secrets", "made by `mailroom up`, in the data folder")]
    found = list(required.faults(required.of_settings(settings)))
    return [problem(one.field, one.message, one.remedy) for one in found] or [ok("secrets", "set and long enough")]


def age(rows: Iterable[SecretAge], settings: Settings, now: datetime) -> list[Finding]:
    """Tell how old each secret is, and warn of old ones. Pure."""
    found = []
    for row in rows:
        days = f"has been the same for {(now - row.since).days} days"
        if ages.is_old(row, settings, now):
            found.append(warning(row.name, f"{days}.", "Change it: docs/keys.md says how."))
        else:
            found.append(ok(row.name, days))
    return found


def leftovers(settings: Settings) -> list[Finding]:
    """Check what a change of the key of blocks has left in the data folder."""
    files = BlockKeyFiles.of(settings)
    if files.following.exists():
        return [
            problem("key of blocks", "A change of it was broken off.", "Run `mailroom keys rotate` again; it goes on.")
        ]
    if files.former.exists():
        return [warning("key of blocks", f"The former one is in {files.former}.", "Delete it when no backup needs it.")]
    return []


async def known_ages(settings: Settings) -> Sequence[SecretAge]:
    """Return the ages that the API has written down, none where there is no database."""
    if not settings.database_url and not (settings.data_dir / "mailroom.db").is_file():
        return []
    tables = Database(settings.database)
    try:
        async with tables.session() as session:
            return await ages.read(session)
    except (SQLAlchemyError, OSError):
        return []  # The check of the database tells of it.
    finally:
        await tables.close()


async def everything(settings: Settings, now: datetime) -> list[Finding]:
    """Run all checks of secrets."""
    return [*strength(settings), *age(await known_ages(settings), settings, now), *leftovers(settings)]
