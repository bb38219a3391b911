"""Watch a rendering of a pass: a long one shows in the ledger how far it is, while it lasts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.errors import Unavailable
from mailroom.executions.history import progress
from mailroom.executions.history.progress import FileRecord, RenderingRecord
from mailroom.rendering.job import RenderedFile
from mailroom.rendering.progress import Progress
from mailroom.storage.database import Database
from mailroom.storage.tables import Artifact

_LOG = logging.getLogger(__name__)
QUIET_SECONDS = 1.5
"""Nothing is written about a rendering that is done sooner: most are, and each write costs."""
PAUSE_SECONDS = 1.0
"""The least time between two writes."""


class RenderingWatch:
    """Keeps what the renderers told last; `tell` returns at once, and another task writes it down."""

    def __init__(self, formats: Sequence[str], began_at: datetime) -> None:
        files = tuple(FileRecord(format=format_) for format_ in dict.fromkeys(formats))
        self.record = RenderingRecord(began_at=began_at, files=files)
        self.changed = asyncio.Event()

    def tell(self, told: Progress) -> None:
        """Take what a renderer tells. Each tells of its own files, where several work on what is needed."""
        self.record = merged(self.record, told)
        self.changed.set()


def merged(record: RenderingRecord, told: Progress) -> RenderingRecord:
    """Return the record with what a renderer told of its files. Pure."""
    new = {file.format: FileRecord(**file.model_dump()) for file in told.files}
    files = tuple(new.pop(file.format, file) for file in record.files)
    return record.model_copy(
        update={"taken_up": True, "rows": max(told.rows, record.rows or 0), "files": (*files, *new.values())}
    )


def whole(
    began_at: datetime, ended_at: datetime, artifacts: Sequence[Artifact], made: Sequence[RenderedFile]
) -> RenderingRecord:
    """Return the record of a rendering that is done; what was not made now was ready before. Pure."""
    times = {file.sha256: file for file in made}
    files = []
    for artifact in artifacts:
        record = FileRecord(format=artifact.format, rows=artifact.rows, ready=True)
        if file := times.get(artifact.sha256):
            now_made = {"ready": False, "began_at": file.began_at, "ended_at": file.ended_at}
            record = record.model_copy(update=now_made)
        files.append(record)
    rows = max((artifact.rows for artifact in artifacts if artifact.rows is not None), default=None)
    return RenderingRecord(began_at=began_at, ended_at=ended_at, taken_up=True, rows=rows, files=tuple(files))


@asynccontextmanager
async def watching(
    database: Database, execution_id: str, pass_number: int, *, formats: Sequence[str], began_at: datetime
) -> AsyncIterator[RenderingWatch]:
    """Watch what is rendered in the block. A write that fails is left out: the next one tells more."""
    watch = RenderingWatch(formats, began_at)
    writing = asyncio.create_task(_write(database, execution_id, pass_number, watch))
    try:
        yield watch
    finally:
        writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writing


async def _write(database: Database, execution_id: str, pass_number: int, watch: RenderingWatch) -> None:
    await asyncio.sleep(QUIET_SECONDS)
    while True:
        watch.changed.clear()
        await _note(database, execution_id, pass_number, watch.record)
        await asyncio.sleep(PAUSE_SECONDS)
        await watch.changed.wait()


async def _note(database: Database, execution_id: str, pass_number: int, record: RenderingRecord) -> None:
    async def note(session: AsyncSession) -> None:
        await progress.note(session, execution_id, pass_number, record)

    try:
        await database.transact(note)
    except (Unavailable, SQLAlchemyError, OSError):
        _LOG.warning("How far execution %s is could not be written.", execution_id, exc_info=True)
