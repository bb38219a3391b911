"""Keep on an execution how its rendering went: when it and each file were begun and whole, and how many rows they have.

It is written with what a pass writes anyway, and while a rendering lasts also in between, so that everybody sees it.
"""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.states import ExecutionState
from mailroom.storage.tables import Execution, Json


class FileRecord(BaseModel):
    """The file of a format. One that was there before, rendered for another run, is `ready`, with no times."""

    model_config = ConfigDict(frozen=True)

    format: str
    ready: bool = False
    began_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    rows: int | None = None


class RenderingRecord(BaseModel):
    """The latest rendering of an execution.

    Attributes:
        ended_at: when all was whole, or when it failed; None while it lasts.
        taken_up: whether a renderer works on it, or did; before, it waits for its turn.
        rows: that were read so far, of all queries; None where nobody counted.
    """

    model_config = ConfigDict(frozen=True)

    began_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    taken_up: bool = False
    failed: bool = False
    rows: int | None = None
    files: tuple[FileRecord, ...] = ()

    def stored(self) -> Json:
        """Return it as the execution's row keeps it."""
        return self.model_dump(mode="json", exclude_defaults=True)


def rendering_of(execution: Execution) -> RenderingRecord | None:
    """Return how the rendering of an execution went, or is going; None where none began, or by an earlier version."""
    return None if execution.rendering is None else RenderingRecord.model_validate(execution.rendering)


async def note(session: AsyncSession, execution_id: str, pass_number: int, record: RenderingRecord) -> None:
    """Write how far the rendering of a pass is, while that pass still works on the execution."""
    mine = (Execution.id == execution_id, Execution.pass_count == pass_number)
    query = update(Execution).where(*mine, Execution.status == ExecutionState.RUNNING)
    await session.execute(query.values(rendering=record.stored()))
