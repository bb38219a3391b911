"""Checks of what is set: whether production could start with it, and how old the secrets are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from cli.doctor.finding import Finding, ok, problem, warning
from embedded.data_dir import BlockKeyFiles
from mailroom.safety import unsafe
from mailroom.secrets import ages
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.model.audit import SecretAge


def safe(settings: Settings, environment: Mapping[str, str]) -> list[Finding]:
    """Check whether production may start with the settings of this environment; a start refuses the same. Pure."""
    if settings.mode != "production":
        return [ok("settings", "embedded: for one machine; secrets are made by `mailroom up`, in the data folder")]
    found = unsafe.unsafe(settings, environment)
    return [problem(one.field, one.message, f"{one.remedy}.") for one in found] or [
        ok("settings", "safe to start with")
    ]


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
    return [*age(await known_ages(settings), settings, now), *leftovers(settings)]
