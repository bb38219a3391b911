"""Gives claimed runs to children: at most `limit` at a time, over as many zygotes as there are versions of projects."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections import defaultdict
from collections.abc import Coroutine
from logging import Logger, LoggerAdapter
from typing import TYPE_CHECKING, Any
from uuid import UUID

import anyio

from prefect_mailroom.worker.processes.code import Code, CodeUnusable
from prefect_mailroom.worker.processes.handles import Child, ChildDied, Zygote
from prefect_mailroom.worker.processes.wire import Message

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun
    from prefect.client.schemas.responses import DeploymentResponse

# A run that no child began is given to another; one that was begun never is.
_TRIES = 3
# A flow that cannot be imported costs an interpreter to find out: not for each of its runs.
_REMEMBER_UNUSABLE_SECONDS = 5
# About 100 MB each. An older version of some code is not asked for again.
_MAX_ZYGOTES = 8
_FORGET_SECONDS = 900
# How long a retired child may send its last logs.
_DRAIN_SECONDS = 20


class Pool:
    """The children of one worker."""

    def __init__(
        self,
        limit: int,
        logger: Logger | LoggerAdapter[Any],
        *,
        max_zygotes: int = _MAX_ZYGOTES,
        remember_unusable_seconds: float = _REMEMBER_UNUSABLE_SECONDS,
    ) -> None:
        self.limit, self._logger = limit, logger
        self._max_zygotes, self._remember_unusable_seconds = max_zygotes, remember_unusable_seconds
        self._slots = asyncio.Semaphore(limit)
        self._zygotes: dict[Code, Zygote] = {}  # By place, the least recently used first.
        self._alone: set[Code] = set()  # Flows that did not load beside others.
        self._loading: defaultdict[Code, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._starting: dict[Code, asyncio.Task[Zygote]] = {}
        self._unusable: dict[Code, tuple[float, str]] = {}
        self._old: set[Zygote] = set()
        self._idle: list[Child] = []
        self._busy: dict[UUID, Child] = {}
        self._choosing = asyncio.Lock()
        self._errands: set[asyncio.Task[None]] = set()

    async def run(self, code: Code, flow_run: FlowRun, deployment: DeploymentResponse) -> Message:
        """Run it in a child; returns what the child said at the end.

        Raises `CodeUnusable`, or `ChildDied` when the process ended in the middle. When this is cancelled, the child
        that has the run is killed, and what it started with it.
        """
        async with self._slots:
            for left in reversed(range(_TRIES)):
                child = await self._choose(code)
                self._busy[flow_run.id] = child
                try:
                    said = await child.run(code.entrypoint, flow_run, deployment)
                except ChildDied as died:
                    if died.begun or not left:
                        raise
                    self._logger.info("Run %s goes to another child: %s.", flow_run.id, died)
                    continue
                except BaseException:
                    with anyio.CancelScope(shield=True):
                        await child.kill()
                    raise
                finally:
                    del self._busy[flow_run.id]
                if said["retire"]:
                    self._logger.debug("Child %s is replaced: %s.", child.pid, said["retire"])
                    self._retire(child)
                elif child.zygote in self._old:
                    self._retire(child)
                else:
                    self._idle.append(child)
                return said
        raise AssertionError("The last try returns or raises.")

    async def prepare(self, code: Code) -> None:
        """Have a child ready for a run that is due soon, if there is room for one more."""
        with contextlib.suppress(CodeUnusable, ConnectionError):  # The run itself will tell.
            zygote = await self._zygote(code)
            async with self._choosing:
                if not self._full():
                    self._idle.append(await zygote.spawn())

    def child_of(self, flow_run_id: UUID) -> Child | None:
        """Return the child that works on a run."""
        return self._busy.get(flow_run_id)

    def renew(self) -> None:
        """Import all code again for the runs to come; runs in progress end where they are."""
        self._unusable.clear()
        for zygote in list(self._zygotes.values()):
            self._replace(zygote)

    async def close(self) -> None:
        """End every process. Runs in progress are killed; idle children send their last logs first."""
        starting = list(self._starting.values())
        for start in starting:
            start.cancel()
        for child in self._busy.values():
            child.send_signal(signal.SIGKILL)
        for child in self._idle:
            self._retire(child)
        self._idle.clear()
        await asyncio.gather(*starting, *self._errands, return_exceptions=True)
        await asyncio.gather(*(zygote.kill() for zygote in [*self._zygotes.values(), *self._old]))
        self._zygotes.clear()
        self._old.clear()

    async def _choose(self, code: Code) -> Child:
        for left in reversed(range(_TRIES)):
            zygote = await self._zygote(code)
            async with self._choosing:
                self._idle = [child for child in self._idle if child.alive]
                for child in self._idle:
                    if child.zygote is zygote and code.entrypoint in child.flows:
                        self._idle.remove(child)
                        return child
                if self._full() and self._idle:
                    self._retire(self._idle.pop(0))
                try:
                    return await zygote.spawn()
                except ConnectionError:
                    if not left:
                        raise ChildDied("its zygote keeps ending", begun=False) from None
        raise AssertionError("The last try returns or raises.")

    def _full(self) -> bool:
        return len(self._busy) + len(self._idle) >= self.limit

    async def _zygote(self, code: Code) -> Zygote:
        zygote = self._current(code)
        if zygote is not None and code.entrypoint in zygote.hooks:
            return zygote
        until, why = self._unusable.get(code, (0.0, ""))
        if time.monotonic() < until:
            raise CodeUnusable(why)
        if code not in self._starting:
            self._starting[code] = asyncio.create_task(self._start(code))
        return await asyncio.shield(self._starting[code])  # Other runs may wait for the same one.

    def _place(self, code: Code) -> Code:
        return code if code in self._alone else code.place

    def _current(self, code: Code) -> Zygote | None:
        """Return the zygote of the code's place, if it can still be used."""
        zygote = self._zygotes.pop(self._place(code), None)
        if zygote is None:
            return None
        self._zygotes[self._place(code)] = zygote
        zygote.last_used = time.monotonic()
        file = zygote.changed()
        if zygote.lives() and file is None:
            return zygote
        why = f"{file} changed" if zygote.lives() else "its zygote ended"
        self._logger.info("The code of %s is imported again: %s.", code.entrypoint, why)
        self._replace(zygote)
        return None

    async def _start(self, code: Code) -> Zygote:
        try:
            async with self._loading[code.place]:
                zygote = await self._load(code)
        except CodeUnusable as error:
            self._unusable[code] = (time.monotonic() + self._remember_unusable_seconds, str(error))
            raise
        finally:
            self._starting.pop(code, None)
        return zygote

    async def _load(self, code: Code) -> Zygote:
        zygote = self._current(code)
        if zygote is not None:
            try:
                await zygote.load(code)
            except CodeUnusable as error:
                # Half of it may be imported beside flows that are well: those get a clean zygote, this one its own.
                self._logger.info("%s does not load beside other flows: %s", code.entrypoint, error)
                self._replace(zygote)
                self._alone.add(code)
            else:
                return zygote
        zygote = self._zygotes[self._place(code)] = await Zygote.start(code)
        quiet = [other for other in self._zygotes.values() if other is not zygote and other not in self._in_use()]
        too_many = len(self._zygotes) - self._max_zygotes
        for number, other in enumerate(quiet):
            if number < too_many or time.monotonic() - other.last_used > _FORGET_SECONDS:
                self._replace(other)
        return zygote

    def _in_use(self) -> set[Zygote]:
        return {child.zygote for child in self._busy.values()}

    def _replace(self, zygote: Zygote) -> None:
        """Give the zygote's children no new run; it ends with the last of them."""
        self._zygotes = {place: other for place, other in self._zygotes.items() if other is not zygote}
        self._old.add(zygote)
        for child in [child for child in self._idle if child.zygote is zygote]:
            self._idle.remove(child)
            self._retire(child)
        self._errand(self._end_when_empty(zygote))

    async def _end_when_empty(self, zygote: Zygote) -> None:
        while zygote.lives() and zygote.children:
            await asyncio.wait([child.exited for child in zygote.children.values()])
        await zygote.kill()
        self._old.discard(zygote)

    def _retire(self, child: Child) -> None:
        child.hang_up()
        self._errand(self._see_off(child))

    async def _see_off(self, child: Child) -> None:
        _, late = await asyncio.wait([child.exited], timeout=_DRAIN_SECONDS)
        if late:
            self._logger.warning("Child %s did not end by itself within %s s.", child.pid, _DRAIN_SECONDS)
            await child.kill()

    def _errand(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    def interrupt(self, flow_run_id: UUID, number: signal.Signals) -> bool:
        """Send a signal to the child that works on a run; False when none does."""
        child = self._busy.get(flow_run_id)
        if child is not None:
            child.send_signal(number)
        return child is not None
