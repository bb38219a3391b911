"""Tell how far a rendering is: how many rows were read, and which of its files are begun and whole."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict

from mailroom.storage.hosts.clock import local_time

FIRST_SECONDS = 1.0
"""Nothing is told of a rendering that is done sooner, so that short ones cost nothing."""
MOST_SECONDS = 5.0
"""How long a rendering keeps silent at most while rows come in; in its first minute it tells every second."""


class FileProgress(BaseModel):
    """The begin, the end and the rows of the file of a format; None while that is not known."""

    model_config = ConfigDict(frozen=True)

    format: str
    began_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    rows: int | None = None


class Progress(BaseModel):
    """Hold how far a rendering is: the rows that were read so far, of all queries, and its files as they were begun."""

    model_config = ConfigDict(frozen=True)

    rows: int = 0
    files: tuple[FileProgress, ...] = ()


Tell = Callable[[Progress], None]
"""Takes what a rendering tells; it returns at once, since the rendering waits for it."""


class Meter:
    """Count what one rendering does, and tell of it from time to time.

    Args:
        tell: is called about once a second; without it, the counts can only be read afterwards.
        clock: seconds that never go back.
        now: the time of day.
    """

    def __init__(
        self,
        tell: Tell | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = local_time,
    ) -> None:
        self._tell, self._clock, self._now = tell, clock, now
        self._began = clock()
        self._next = self._began + FIRST_SECONDS
        self._rows = 0
        self._files: dict[str, FileProgress] = {}

    def read(self, rows: int) -> None:
        """Count rows that came from the source."""
        self._rows += rows
        if self._tell is not None and self._clock() >= self._next:
            self._told()

    def begin(self, format_: str) -> None:
        """Note that the file of a format is begun."""
        self._files.setdefault(format_, FileProgress(format=format_, began_at=self._now()))
        self._changed()

    def end(self, format_: str, rows: int | None = None) -> None:
        """Note that the file of a format is whole."""
        begun = self._files.get(format_) or FileProgress(format=format_, began_at=self._now())
        self._files[format_] = begun.model_copy(update={"ended_at": self._now(), "rows": rows})
        self._changed()

    def of(self, format_: str) -> FileProgress | None:
        """Return what is known of the file of a format."""
        return self._files.get(format_)

    def _changed(self) -> None:
        """Tell of a file at once, where the rendering is not a short one."""
        if self._tell is not None and self._clock() >= self._began + FIRST_SECONDS:
            self._told()

    def _told(self) -> None:
        assert self._tell is not None, "the callers have looked"
        elapsed = self._clock() - self._began
        self._next = self._began + elapsed + min(MOST_SECONDS, max(FIRST_SECONDS, elapsed / 12))
        self._tell(Progress(rows=self._rows, files=tuple(self._files.values())))
