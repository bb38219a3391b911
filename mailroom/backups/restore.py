"""Put a backup in the place of both databases and the rendered files. Nothing is sent until a person says so.

The stop is in the restored ledger before anything else is put back: whatever is started too early finds it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select, text

from mailroom.audit import repository as audit
from mailroom.audit.delivery_events import BackupRestored
from mailroom.audit.sealing import checkpoints
from mailroom.backups import artifact_files, databases, manifest
from mailroom.backups.manifest import Manifest, Part
from mailroom.backups.places import Places
from mailroom.errors import Conflict, Invalid
from mailroom.stops import restored
from mailroom.storage import migrations
from mailroom.storage.database import Database
from mailroom.storage.model.connections import Connection
from mailroom.storage.stop_tables import Stop

Tell = Callable[[str, int, int], None]


@dataclass
class Restored:
    """The result of a restore.

    Attributes:
        stop: what keeps everything from leaving; None where only Prefect's database was restored, since the ledger
            then knows every receipt.
        former: where the databases are that were there.
        without_block: connections whose secrets Prefect does not have, and which must be saved anew.
        checkpoints_ahead: whether the checkpoints of the audit trail here tell of more than the restored trail has.
    """

    stop: Stop | None = None
    former: list[Path] = field(default_factory=list)
    without_block: list[str] = field(default_factory=list)
    checkpoints_ahead: bool = False


def refuse_where_it_cannot_be(found: Manifest, places: Places, parts: Sequence[Part], *, replace: bool) -> None:
    """Refuse what cannot be restored here, all of it at once and before anything is changed.

    Raises:
        Invalid: the backup is of another kind of database, or of a later version.
        Conflict: something is there already, and `replace` does not allow to put the backup in its place.
    """
    there = []
    for part in parts:
        url = _url(part, places)
        if part.kind != databases.kind_of(url):
            message = (
                f"The part {part.name} is of {part.kind}, and the settings name a {databases.kind_of(url)} database."
            )
            raise Invalid.at("FOLDER", message, "Set the URL of a database of the same kind.")
        if not databases.is_empty(url):
            there.append(f"the database of {part.name}")
    ledger = found.part(manifest.LEDGER)
    if ledger is not None and not migrations.knows(ledger.schema_version):
        message = f"The tables of the backup are of version {ledger.schema_version}, which this Mailroom does not know."
        raise Invalid.at("FOLDER", message, f"Restore it with Mailroom {found.mailroom}, or a later one.")
    if there and not replace:
        raise Conflict(
            f"These are not empty: {', '.join(there)}. Nothing was changed.",
            remedy="Restore into empty ones; or add --replace-everything, if what is there now may be lost.",
            code="not_empty",
        )


async def restore(
    folder: Path, places: Places, *, replace: bool, only: str, by: str, now: datetime, tell: Tell
) -> Restored:
    """Put a backup back, which `check` has found whole.

    Args:
        replace: whether what is there may be lost. A database of SQLite is kept under another name all the same.
        only: `ledger` or `prefect` where only this one of the databases is lost; empty for everything.
        by: who restores.

    Raises:
        Invalid, Conflict: see `refuse_where_it_cannot_be`.
        MailroomError: a part could not be put back; the ledger, if it was, has its stop.
    """
    found = manifest.read(folder)
    parts = [one for one in found.parts if one.kind != "file" and only in ("", one.name)]
    await asyncio.to_thread(refuse_where_it_cannot_be, found, places, parts, replace=replace)
    aside = f".before-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    parts.sort(key=lambda one: one.name != manifest.LEDGER)
    result = Restored()
    for number, part in enumerate(parts, start=1):
        tell("databases", number, len(parts))
        moved = await asyncio.to_thread(
            databases.put_back, part, folder, _url(part, places), replace=replace, aside=aside
        )
        result.former += [moved] if moved else []
        if part.name == manifest.LEDGER:
            result.stop = await _hold(places, found, now=now)
    if only != manifest.PREFECT:
        await asyncio.to_thread(
            artifact_files.copy,
            folder / manifest.ARTIFACTS,
            places.artifacts,
            lambda done, total: tell("rendered files", done, total),
        )
        result.checkpoints_ahead = await asyncio.to_thread(_put_back_checkpoints, found, folder, places.checkpoints)
    result.without_block = await _note(
        places, BackupRestored(found.made_at.isoformat(), str(folder), only or "all"), by, now
    )
    return result


def _url(part: Part, places: Places) -> str:
    return places.ledger if part.name == manifest.LEDGER else places.prefect


async def _hold(places: Places, found: Manifest, *, now: datetime) -> Stop:
    """Bring the tables to this version, and set the stop."""
    database = Database(places.ledger)
    try:
        await migrations.upgrade(database)
        return await restored.declare(database, places.witness, made_at=found.made_at, now=now)
    finally:
        await database.close()


async def _note(places: Places, event: BackupRestored, by: str, now: datetime) -> list[str]:
    """Note the restoration in the audit trail; return the names of the connections whose block Prefect lacks."""
    ours, prefect = Database(places.ledger), Database(places.prefect)
    try:
        async with ours.session() as session:
            audit.record(session, event, at=now, actor=by)
            names = set((await session.scalars(select(Connection.name))).all())
        async with prefect.session() as session:
            there = set((await session.scalars(text("SELECT name FROM block_document"))).all())
    finally:
        await ours.close()
        await prefect.close()
    return sorted(names - there)


def _put_back_checkpoints(found: Manifest, folder: Path, path: Path) -> bool:
    """Put the checkpoints back where there are none; return whether those that are there are ahead of the trail."""
    part = found.part(manifest.CHECKPOINTS)
    if path.exists():
        there = checkpoints.last(path)
        of_backup = checkpoints.last(folder / part.file) if part else None
        return there is not None and there != of_backup
    if part is not None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as target, (folder / part.file).open("rb") as source:
            shutil.copyfileobj(source, target)
    return False
