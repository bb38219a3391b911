"""Find what is to be replaced soon: keys of users, secrets of the installation, credentials of connections.

None of it is urgent. Keys and credentials end, and keys and secrets grow old.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as access
from mailroom.access.viewer import SYSTEM
from mailroom.incidents.spec import IncidentKind, Severity, Trouble
from mailroom.secrets import ages
from mailroom.settings import Settings
from mailroom.storage.model.access import ApiKey
from mailroom.storage.model.audit import SecretAge
from mailroom.watching.signs import ends

KINDS = frozenset({IncidentKind.CREDENTIAL_ENDING})


async def find(session: AsyncSession, settings: Settings, *, now: datetime) -> list[Trouble]:
    """Return the keys, secrets and connections whose secrets are to be replaced."""
    soon, long_ago = now + timedelta(days=settings.key_reminder_days), now - timedelta(days=settings.key_old_days)
    keys = await access.keys_to_replace(session, viewer=SYSTEM, now=now, ends_before=soon, made_before=long_ago)
    secrets = [row for row in await ages.read(session) if ages.is_old(row, settings, now)]
    connections = [(name, at) for name, at in await ends.ends(session) if at <= soon]
    return [
        *(_of_key(row, soon, now) for row in keys),
        *(_of_secret(row, now) for row in secrets),
        *(_of_connection(name, at) for name, at in connections),
    ]


def _of_key(row: ApiKey, soon: datetime, now: datetime) -> Trouble:
    ends = row.expires_at.isoformat() if row.expires_at is not None and row.expires_at <= soon else None
    values = {
        "what": "key",
        "name": row.name,
        "prefix": row.prefix,
        "ends_at": ends,
        "days_old": (now - row.created_at).days,
    }
    return Trouble(IncidentKind.CREDENTIAL_ENDING, f"key {row.prefix}", Severity.WARNING, values, owner_id=row.user_id)


def _of_secret(row: SecretAge, now: datetime) -> Trouble:
    values = {"what": "secret", "name": row.name, "days_old": (now - row.since).days}
    return Trouble(IncidentKind.CREDENTIAL_ENDING, row.name, Severity.WARNING, values)


def _of_connection(name: str, at: datetime) -> Trouble:
    values = {"what": "secret of the connection", "name": name, "ends_at": at.isoformat()}
    return Trouble(IncidentKind.CREDENTIAL_ENDING, f"connection {name}", Severity.WARNING, values)
