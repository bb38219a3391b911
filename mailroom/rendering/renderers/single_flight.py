"""Single flight: renderings that are wanted now, each once, however many ask for it.

Two requests are for the same thing when all but the folder and the formats is the same; then each format is rendered
by one flight, and each request takes what it wants from the flights that have it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mailroom.rendering.facts.model import merged as merged_facts
from mailroom.rendering.job import RenderJob, RenderResult
from mailroom.rendering.progress import Progress, Tell
from mailroom.rendering.renderers.wire import Answer
from mailroom.reports.spec import Format


@dataclass(eq=False, slots=True)
class Flight:
    """One rendering that several requests share. Its job has a folder of its own; `waiting` is how many want it.

    `listeners` are told how far it is, and `latest` is what they were told last.
    """

    job: RenderJob
    base: str
    done: asyncio.Future[Answer]
    waiting: int = 0
    running: asyncio.Task[RenderResult] | None = None
    pieces: tuple[str, ...] = ()
    removed: bool = False
    listeners: list[Tell] = field(default_factory=list)
    latest: Progress | None = None

    def listen(self, tell: Tell) -> None:
        """Tell this listener too, beginning with what the others know."""
        self.listeners.append(tell)
        if self.latest is not None:
            tell(self.latest)

    def told(self, progress: Progress) -> None:
        """Pass on how far the rendering is."""
        self.latest = progress
        for tell in self.listeners:
            tell(progress)


class Flights:
    """Keeps the flights that a request can still join.

    Args:
        folder: where each flight gets a folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[tuple[str, str], Flight] = {}
        self._count = 0

    def join(self, job: RenderJob) -> tuple[list[Flight], Flight | None]:
        """Return the flights that give what the job wants, and the one among them that is new and must be begun."""
        base = identity(job)
        formats = list(dict.fromkeys(job.formats))
        pieces: list[str] = [*formats] or [""]
        there = [self._open[base, piece] for piece in pieces if (base, piece) in self._open]
        missing = [format_ for format_ in formats if (base, format_) not in self._open]
        flights = list(dict.fromkeys(there))
        new = None
        if missing or not flights:
            new = self._begin(job, base, missing)
            flights.append(new)
        for flight in flights:
            flight.waiting += 1
        return flights, new

    def all(self) -> set[Flight]:
        """Return every flight that can be joined."""
        return set(self._open.values())

    def close(self, flight: Flight) -> None:
        """Let nobody join the flight any more."""
        for piece in flight.pieces:
            if self._open.get((flight.base, piece)) is flight:
                del self._open[flight.base, piece]

    def _begin(self, job: RenderJob, base: str, formats: list[Format]) -> Flight:
        self._count += 1
        own = job.model_copy(update={"formats": formats, "folder": self._folder / str(self._count)})
        # Every flight gives the body of the mail too; for those who want that alone it is the piece with no name.
        flight = Flight(own, base, asyncio.get_running_loop().create_future(), pieces=("", *formats))
        for piece in flight.pieces:
            self._open.setdefault((base, piece), flight)
        return flight


def identity(job: RenderJob) -> str:
    """Return the digest of all that decides a job's output, the access to its source included, except its formats."""
    return hashlib.sha256(job.model_dump_json(exclude={"folder", "formats"}).encode()).hexdigest()


def merged(formats: Sequence[Format], results: Sequence[RenderResult]) -> RenderResult:
    """Return what a request gets of the results of its flights: its files in its order, the body of the first."""
    files = {file.format: file for result in reversed(results) for file in result.files}
    counted = [result.rows for result in results if result.rows is not None]
    known = [result.facts for result in results if result.facts is not None]
    return results[0].model_copy(
        update={
            "files": [files[format_] for format_ in dict.fromkeys(formats)],
            "rows": counted[0] if counted else None,
            "facts": merged_facts(known) if known else None,
            "notices": list(dict.fromkeys(notice for result in results for notice in result.notices)),
        }
    )
