"""Seal the audit trail in the background, and sign where it stands: in the log and in a file outside the database."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mailroom.audit.sealing import checkpoints, seals, signing
from mailroom.audit.sealing.checkpoints import Checkpoint
from mailroom.settings import Settings
from mailroom.storage.database import Database

_LOG = logging.getLogger(__name__)
EVERY_SECONDS = 5.0
LATE_AFTER_SECONDS = 300.0
CHECKPOINT_EVERY = timedelta(minutes=1)
"""How long after a checkpoint the next one is made, at least: a tail that was cut can be so much longer unseen."""
BATCH = 500
_LOOK_BACK = timedelta(minutes=15)
"""How much older than the last sealing the time of an entry may be that becomes visible after it. What is older than
that is found by the next look at everything."""
_EVERYTHING_EVERY_SECONDS = 3600.0


class TrailContradicted(Exception):
    """The trail in the database is not the one that was signed for: it was cut, computed anew, or is an older one."""


class Sealer:
    """Seals what is not sealed, and makes checkpoints. Several may work at once, in one process or in many.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, database: Database, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database, self._settings, self._clock = database, settings, clock
        self._path = settings.checkpoints_path
        self._key: Ed25519PrivateKey | None = None
        self._looked_at_everything: float | None = None

    async def tick(self, now: datetime) -> int:
        """Seal everything that is visible, and make a checkpoint where one is due; return how many were sealed.

        Raises:
            TrailContradicted: the last checkpoint does not fit the trail. What is new was sealed all the same.
            ConfigurationError: there is no key to sign with.
        """
        if self._key is None:
            self._key = await asyncio.to_thread(_prepare, self._settings)
        sealed = await self._seal(now)
        await self._sign(now, self._key)
        return sealed

    async def _seal(self, now: datetime) -> int:
        since, begun = None, self._clock()
        if self._looked_at_everything is not None and begun - self._looked_at_everything < _EVERYTHING_EVERY_SECONDS:
            async with self._database.session() as session:
                since = (await seals.chain(session)).sealed_at - _LOOK_BACK
        else:
            self._looked_at_everything = begun
        sealed = 0
        while await self._is_anything_left(since):
            batch = await self._database.transact(partial(seals.seal, now=now, since=since, limit=BATCH))
            sealed += batch
            if batch < BATCH:
                break
        return sealed

    async def _is_anything_left(self, since: datetime | None) -> bool:
        """Look before the lock is taken: most of the time there is nothing to write."""
        async with self._database.session() as session:
            return bool(await seals.unsealed(session, since=since, limit=1))

    async def _sign(self, now: datetime, key: Ed25519PrivateKey) -> None:
        """Make a checkpoint of the end of the chain, after a look whether the chain still fits the last one."""
        before = await asyncio.to_thread(checkpoints.last, self._path)
        async with self._database.session() as session:
            ends = await seals.chain(session)
            if before is not None and before.position >= ends.kept_after:
                self._compare(before, await seals.hash_at(session, before.position), ends.trail_id)
        if before is not None and (before.position == ends.position or now - before.at < CHECKPOINT_EVERY):
            return
        if before is None and ends.position == 0:
            return
        made = checkpoints.make(key, trail_id=ends.trail_id, position=ends.position, hash=ends.hash, at=now)
        if await asyncio.to_thread(checkpoints.append, self._path, made):
            # The log is the second place outside the database: it usually leaves the machine at once.
            _LOG.info("Audit checkpoint: %s", made.line().decode().strip())

    def _compare(self, before: Checkpoint, there: str | None, trail_id: str) -> None:
        if before.trail_id != trail_id:
            why = "it is of another database"
        elif there is None:
            why = f"the trail has no entry {before.position} any more"
        elif there != before.hash:
            why = f"entry {before.position} has another hash than was signed"
        else:
            return
        raise TrailContradicted(
            f"The audit trail does not fit the checkpoint of {before.at:%Y-%m-%d %H:%M:%S} UTC in {self._path}: {why}. "
            "No checkpoint is made until that is cleared up. See `mailroom audit verify` and docs/audit.md."
        )


def _prepare(settings: Settings) -> Ed25519PrivateKey:
    """Return the key, and put its public half where whoever checks the trail finds it. Blocking."""
    key = signing.private_key(settings)
    signing.publish(key, settings.data_dir / signing.PUBLIC_FILE)
    return key
