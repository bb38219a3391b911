"""A few renderer processes that live long: each does one job at a time, and is replaced when it is not fit any more."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from mailroom.rendering.job import RenderJob, RenderResult
from mailroom.rendering.progress import Tell
from mailroom.rendering.renderers.publish import not_put, publish, working_folder
from mailroom.rendering.renderers.renderer import Renderer, RendererDied
from mailroom.reports.errors import placed
from prefect_mailroom.errors import MailroomError

Slot = asyncio.Task[Renderer]
"""A place in the pool: a renderer, or one that is being started."""


class Pool:
    """`async with Pool(2) as pool: await pool.render(job)`; at the end of the block its processes are ended.

    Args:
        size: renderers, about one a core.
        warm: whether each loads all that is heavy at its start, or when a job needs it.
    """

    def __init__(self, size: int, *, warm: bool = True) -> None:
        self._size, self._warm = size, warm
        self._free: asyncio.Queue[Slot] = asyncio.Queue()
        self._slots: set[Slot] = set()

    async def render(self, job: RenderJob, tell: Tell | None = None) -> RenderResult:
        """Render the job as soon as a renderer is free. After an error or a cancellation nothing is left.

        A job whose renderer dies, for a reason that is none of its limits, is given to a fresh one, once.

        Args:
            tell: is called with how far the job is.

        Raises:
            ConfigurationError, SourceUnavailable, SourceRefused, RenderFailed: see `render.render_here`.
            LimitExceeded: it wanted more than a limit gives, which is named.
            Unavailable: no renderer could be started.
        """
        try:
            try:
                return await self._try(job, tell)
            except RendererDied:
                return await self._try(job, tell, fresh=True)
        except MailroomError as error:
            raise placed(error, report=job.definition.id) from error
        except OSError as error:
            raise placed(not_put(job.folder, error), report=job.definition.id) from error

    async def _try(self, job: RenderJob, tell: Tell | None, *, fresh: bool = False) -> RenderResult:
        taken = await self._free.get()
        # It died while it waited, or may have: what killed its neighbour is not always told of it yet.
        stale = taken.done() if fresh else not _is_good(taken)
        slot = self._start(instead_of=taken) if stale else taken
        try:
            if stale and _is_good(taken):
                await taken.result().end()
            renderer = await asyncio.shield(slot)  # A caller that gives up must not end what is being started.
            with working_folder(job, renderer.pid) as work:
                answer = await renderer.render(job, work, tell)
                # Only an answer within the limits makes the files appear.
                return publish(answer.unwrap(), job.folder)
        finally:
            self._free.put_nowait(slot if _is_good(slot) else self._start(instead_of=slot))

    def _start(self, *, instead_of: Slot | None = None) -> Slot:
        if instead_of is not None:
            self._slots.discard(instead_of)
        slot = asyncio.create_task(Renderer.start(warm=self._warm))
        self._slots.add(slot)
        return slot

    async def __aenter__(self) -> Self:
        for _ in range(self._size):
            self._free.put_nowait(self._start())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for slot in self._slots:
            slot.cancel()
        for ended in await asyncio.gather(*self._slots, return_exceptions=True):
            if isinstance(ended, Renderer):
                await ended.end()


def _is_good(slot: Slot) -> bool:
    """Tell whether the next job can have the renderer; one that is still being started can."""
    return not slot.done() or (not slot.cancelled() and slot.exception() is None and slot.result().fit)
