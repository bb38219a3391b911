"""The loops that look after the audit trail and the ages of secrets."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from deployments.watched_loop import WatchedLoop
from mailroom.access import repository as access
from mailroom.audit.sealing import retention, sealer, signing
from mailroom.audit.sealing.sealer import TrailContradicted
from mailroom.notifications.secret_events import AuditTrailContradicted
from mailroom.notifications.service import notify
from mailroom.secrets import ages
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.watching.signs import ends

_LOG = logging.getLogger(__name__)
_AGAIN_AFTER = timedelta(days=1)


class _Alarm:
    """Tells the log and all admins that the audit trail is not what was signed for, once a day."""

    def __init__(self, database: Database) -> None:
        self._database, self._told = database, datetime.min.replace(tzinfo=UTC)

    async def tell(self, why: str, now: datetime) -> None:
        if now - self._told < _AGAIN_AFTER:
            return

        async def write(session: AsyncSession) -> None:
            admins = await access.active_admins(session)
            await notify(session, [AuditTrailContradicted(admin.id, why) for admin in admins], at=now)

        await self._database.transact(write)
        self._told = now
        _LOG.error("%s", why)


def loops(database: Database, settings: Settings) -> list[WatchedLoop]:
    """Return the loops: one seals the trail, one removes what is past its time, one reminds of old secrets."""
    sealing = sealer.Sealer(database, settings)

    alarm = _Alarm(database)

    async def seal() -> None:
        now = database.now()
        try:
            await sealing.tick(now)
        except TrailContradicted as error:
            # Everything is sealed all the same. The API goes on: whoever tampered is not to stop it as well.
            await alarm.tell(str(error), now)

    async def trim() -> None:
        public = settings.data_dir / signing.PUBLIC_FILE
        if settings.audit_days and public.is_file():  # Nothing is signed yet where it is missing.
            keys = await asyncio.to_thread(signing.read_public, public)
            now = database.now()
            await retention.trim(database, keys, settings.checkpoints_path, days=settings.audit_days, now=now)

    async def remind() -> None:
        secrets = await asyncio.to_thread(ages.known, settings)
        await ages.remind(database, settings, secrets, now=database.now())
        await ends.note(database, settings, now=database.now())

    return [
        WatchedLoop("audit sealer", seal, every=sealer.EVERY_SECONDS, late_after=sealer.LATE_AFTER_SECONDS),
        WatchedLoop("audit retention", trim, every=retention.EVERY_SECONDS, late_after=retention.LATE_AFTER_SECONDS),
        WatchedLoop("ages of secrets", remind, every=ages.EVERY_SECONDS, late_after=ages.LATE_AFTER_SECONDS),
    ]
