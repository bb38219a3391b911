"""Take a backup while everything runs: the ledger first, then Prefect's database, then the rendered files.

The order makes each part know at least what the part before it names:

- Our tables name connections, whose secrets are blocks in Prefect's database, and rendered files. Taken first, they
  name nothing that the later parts could lack, but for what was deleted within these seconds.
- Prefect may then know runs that the ledger does not: one that has ended is not run again, and one that is still to
  come waits for a person, like everything else after a restoration.

The other way round, a connection that was made between the two would have lost its secrets.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import text

from mailroom.audit import repository as audit
from mailroom.audit.delivery_events import BackupMade
from mailroom.backups import artifact_files, databases, manifest
from mailroom.backups.manifest import Manifest, NeededKey, Part
from mailroom.backups.places import Places
from mailroom.errors import Invalid
from mailroom.secrets import rotation
from mailroom.storage.database import Database
from mailroom.storage.hosts.clock import local_time

Tell = Callable[[str, int, int], None]
"""Is told of a part, and how much of how much of it is done."""

NEEDED = {
    "PREFECT_SERVER_ENCRYPTION_KEY": "the secrets of every connection, which are blocks of Prefect",
    "MAILROOM_KEY_PEPPER": "the keys of users",
    "MAILROOM_AUDIT_KEY": "new checkpoints of the audit trail",
    "MAILROOM_IDENTITY_KEY": "the identities for HTTP sources",
    "MAILROOM_LINK_KEY": "the links in mails that were sent",
}
"""The keys that a backup does not hold, and what each is needed for."""


async def make(places: Places, folder: Path, keys: Mapping[str, str], *, by: str, tell: Tell) -> Manifest:
    """Write a backup into a new or an empty folder, and note it in the audit trail.

    Args:
        keys: the keys that are known, by their variables; only their fingerprints are kept.
        by: who makes it.

    Raises:
        Invalid: the folder has something in it.
        MailroomError: a part could not be taken; there is no manifest then.
    """
    for url in (places.ledger, places.prefect):
        await databases.schema_version(url)  # Both must be there before anything is written.
    await asyncio.to_thread(_prepare, folder)
    made_at = local_time()
    ledger_id = await _ledger_id(places.ledger)
    # The checkpoints come before the trail that they sign: a file that is ahead of its trail looks as if it was forged.
    checkpoints = await asyncio.to_thread(_checkpoints, places.checkpoints, folder)
    ledger = await databases.take(
        places.ledger, folder, manifest.LEDGER, lambda done, total: tell("ledger", done, total)
    )
    tell("ledger", 1, 1)
    prefect = await databases.take(
        places.prefect, folder, manifest.PREFECT, lambda done, total: tell("Prefect", done, total)
    )
    tell("Prefect", 1, 1)
    taken_at = local_time()
    files = await asyncio.to_thread(
        artifact_files.copy,
        places.artifacts,
        folder / manifest.ARTIFACTS,
        lambda done, total: tell("rendered files", done, total),
    )
    made = Manifest(
        mailroom=version("mailroom"),
        prefect=version("prefect"),
        made_at=made_at,
        ledger_id=ledger_id,
        parts=[*([checkpoints] if checkpoints else []), ledger, prefect],
        artifacts=files.part(taken_at),
        keys=needed_keys(keys),
        key_in_database=await _key_in_database(places.prefect),
    )
    await asyncio.to_thread(os.sync)  # Thousands of files at once: the manifest vouches for all of them.
    await asyncio.to_thread(manifest.write, folder, made)
    await _note(places.ledger, folder, made, by)
    return made


def needed_keys(keys: Mapping[str, str]) -> list[NeededKey]:
    """Return what a manifest says of the keys. Pure."""
    return [
        NeededKey(name=name, fingerprint=rotation.fingerprint(value) if value else "", needed_for=why)
        for name, why in NEEDED.items()
        for value in [keys.get(name, "")]
    ]


def _prepare(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Invalid.at("FOLDER", f"{folder} is not empty.", "Name a folder that does not exist yet.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / manifest.ARTIFACTS).mkdir(mode=0o700)


def _checkpoints(path: Path, folder: Path) -> Part | None:
    taken_at, target = local_time(), folder / "audit-checkpoints.jsonl"
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as written, path.open("rb") as read:
            shutil.copyfileobj(read, written)
    except FileNotFoundError:
        target.unlink()
        return None  # The trail has not been signed for yet.
    size, sha256 = manifest.digest_of(target)
    return Part(name=manifest.CHECKPOINTS, kind="file", file=target.name, bytes=size, sha256=sha256, taken_at=taken_at)


async def _ledger_id(url: str) -> str:
    database = Database(url)
    try:
        async with database.session() as session:
            # By its name: a later program backs up tables of before their upgrade, which lack its newer columns.
            return str((await session.scalars(text("SELECT ledger_id FROM ledger_clock"))).one())
    finally:
        await database.close()


async def _key_in_database(url: str) -> bool:
    database = Database(url)
    try:
        return await rotation.stored_key(database) is not None
    finally:
        await database.close()


async def _note(url: str, folder: Path, made: Manifest, by: str) -> None:
    database = Database(url)
    event = BackupMade(
        made.made_at.isoformat(), str(folder), sum(one.bytes for one in made.parts), made.artifacts.files
    )
    try:
        await database.agree_on_time()
        async with database.session() as session:
            audit.record(session, event, at=database.now(), actor=by)
    finally:
        await database.close()
