"""Know since when each secret of the installation is what it is, and remind admins of those that are old.

What is kept is a digest of a random secret, by which a change shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as access
from mailroom.audit.sealing.signing import KEY_FILE
from mailroom.notifications.secret_events import SecretIsOld
from mailroom.notifications.service import notify
from mailroom.secrets.required import of_settings
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.model.audit import SecretAge

EVERY_SECONDS = 3600.0
LATE_AFTER_SECONDS = 3600.0
_AGAIN_AFTER = timedelta(days=30)
_FILES = {
    "MAILROOM_API_KEY": "api-key",
    "MAILROOM_KEY_PEPPER": "key-pepper",
    "MAILROOM_AUDIT_KEY": KEY_FILE,
    "PREFECT_SERVER_ENCRYPTION_KEY": "prefect-encryption-key",
}
"""The files of an embedded system, in its data folder."""


def known(settings: Settings) -> dict[str, str]:
    """Return the secrets that this process can read, by the names of their variables. Blocking."""
    found = of_settings(settings)
    if settings.mode == "embedded":
        for name, file in _FILES.items():
            path = settings.data_dir / file
            # Its server takes Prefect's key from the file, whatever the environment says.
            if path.is_file() and (not found[name] or name == "PREFECT_SERVER_ENCRYPTION_KEY"):
                found[name] = path.read_text().strip()
    return {name: value for name, value in found.items() if value}


def fingerprint(name: str, secret: str) -> str:
    """Return the digest by which a change of a secret shows. Pure."""
    return sha256(f"mailroom secret\n{name}\n{secret}".encode()).hexdigest()[:32]


async def note(session: AsyncSession, secrets: Mapping[str, str], *, now: datetime) -> Sequence[SecretAge]:
    """Write down which secrets there are; return them with their ages. One that has changed is new."""
    rows = {row.name: row for row in await session.scalars(select(SecretAge))}
    for name, secret in secrets.items():
        mark = fingerprint(name, secret)
        if name not in rows:
            rows[name] = SecretAge(name=name, fingerprint=mark, since=now)
            session.add(rows[name])
        elif rows[name].fingerprint != mark:
            rows[name].fingerprint, rows[name].since, rows[name].reminded_at = mark, now, None
    return [rows[name] for name in secrets]


async def remind(database: Database, settings: Settings, secrets: Mapping[str, str], *, now: datetime) -> int:
    """Tell all active admins of each secret that is old, once a month; return how many secrets there were."""

    async def look(session: AsyncSession) -> int:
        due = [row for row in await note(session, secrets, now=now) if is_due(row, settings, now)]
        if due:
            admins = await access.active_admins(session)
            told = [SecretIsOld(one.id, row.name, (now - row.since).days) for one in admins for row in due]
            await notify(session, told, at=now)
        for row in due:
            row.reminded_at = now
        return len(due)

    return await database.transact(look)


def is_old(row: SecretAge, settings: Settings, now: datetime) -> bool:
    """Tell whether a secret is to be changed by now. Pure."""
    days = settings.secret_reminder_days
    return days > 0 and now - row.since >= timedelta(days=days)


def is_due(row: SecretAge, settings: Settings, now: datetime) -> bool:
    """Tell whether people are to be reminded of a secret now. Pure."""
    return is_old(row, settings, now) and (row.reminded_at is None or now - row.reminded_at >= _AGAIN_AFTER)


async def read(session: AsyncSession) -> Sequence[SecretAge]:
    """Return the secrets that were written down, by name."""
    return (await session.scalars(select(SecretAge).order_by(SecretAge.name))).all()
