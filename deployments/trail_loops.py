"""The loops that look after the audit trail and the ages of secrets."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from deployments.watched_loop import WatchedLoop
from mailroom.audit import retention, sealer, signing
from mailroom.secrets import ages
from mailroom.settings import Settings
from mailroom.storage.database import Database


def loops(database: Database, settings: Settings) -> list[WatchedLoop]:
    """Return the loops: one seals the trail, one removes what is past its time, one reminds of old secrets."""
    sealing = sealer.Sealer(database, settings)

    async def seal() -> None:
        await sealing.tick(datetime.now(UTC))

    async def trim() -> None:
        public = settings.data_dir / signing.PUBLIC_FILE
        if settings.audit_days and public.is_file():  # Nothing is signed yet where it is missing.
            keys = await asyncio.to_thread(signing.read_public, public)
            now = datetime.now(UTC)
            await retention.trim(database, keys, settings.checkpoints_path, days=settings.audit_days, now=now)

    async def remind() -> None:
        secrets = await asyncio.to_thread(ages.known, settings)
        await ages.remind(database, settings, secrets, now=datetime.now(UTC))

    return [
        WatchedLoop("audit sealer", seal, every=sealer.EVERY_SECONDS, late_after=sealer.LATE_AFTER_SECONDS),
        WatchedLoop("audit retention", trim, every=retention.EVERY_SECONDS, late_after=retention.LATE_AFTER_SECONDS),
        WatchedLoop("ages of secrets", remind, every=ages.EVERY_SECONDS, late_after=ages.LATE_AFTER_SECONDS),
    ]
