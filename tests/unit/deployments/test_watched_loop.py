"""A background loop goes on after every error, says so, and tells how it is."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from deployments.watched_loop import LoopHealth, WatchedLoop, keep_running, late

_NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Work:
    """Work whose rounds end as a test wants it; the last one stays."""

    def __init__(self, *rounds: Callable[[], Awaitable[None]]) -> None:
        self.rounds, self.begun = rounds, 0

    async def __call__(self) -> None:
        self.begun += 1
        await self.rounds[min(self.begun, len(self.rounds)) - 1]()


async def _well() -> None:
    return


async def _badly() -> None:
    raise RuntimeError("nobody expected this")


async def _cancelled_by_others() -> None:
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    answer.cancel()
    await answer


async def _hanging() -> None:
    await asyncio.Event().wait()


async def _run_until(loop: WatchedLoop, reached: Callable[[], bool]) -> asyncio.Task[None]:
    task = asyncio.create_task(loop.run())
    async with asyncio.timeout(20):
        while not reached() and not task.done():
            await asyncio.sleep(0.005)
    assert not task.done()
    return task


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()


def _loop(work: Work, *, late_after: float = 60) -> WatchedLoop:
    return WatchedLoop("pigeons", work, every=0.01, late_after=late_after, first_pause=0.01, longest_pause=0.02)


@pytest.mark.parametrize("fails", [_badly, _cancelled_by_others])
async def test_it_goes_on_after_an_error_and_the_log_knows_its_id(
    fails: Callable[[], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    work = Work(_well, fails, fails, _well)
    loop = _loop(work)
    task = await _run_until(loop, lambda: work.begun >= 5)
    await _end(task)
    assert loop.health.restarts == 2
    assert loop.health.last_success is not None
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 2
    assert all("pigeons" in record.getMessage() for record in errors)
    assert loop.health.last_error_id in errors[-1].getMessage()
    assert errors[-1].exc_info


@pytest.mark.parametrize("stays", [_badly, _hanging])
async def test_a_loop_without_success_becomes_late_and_is_well_again_after_one(
    stays: Callable[[], Awaitable[None]],
) -> None:
    mended = asyncio.Event()

    async def until_mended() -> None:
        if not mended.is_set():
            waits = {asyncio.ensure_future(stays()), asyncio.ensure_future(mended.wait())}
            done, others = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for other in others:
                other.cancel()
            for one in done:
                one.result()

    loop = _loop(Work(until_mended), late_after=0.2)
    task = await _run_until(loop, lambda: bool(late([loop], time.monotonic())))
    mended.set()
    async with asyncio.timeout(20):
        while late([loop], time.monotonic()):
            await asyncio.sleep(0.005)
    await _end(task)


def test_the_pause_doubles_up_to_the_longest_and_a_success_makes_it_short_again() -> None:
    health = LoopHealth("pigeons", late_after=60)
    assert [health.failure(str(n), first=1, longest=5) for n in range(5)] == [1, 2, 4, 5, 5]
    health.success(7.0, _NOON)
    assert health.failure("x", first=1, longest=5) == 1
    assert (health.restarts, health.last_error_id) == (6, "x")


def test_late_counts_from_the_beginning_and_then_from_the_last_success() -> None:
    health = LoopHealth("pigeons", late_after=60)
    assert not health.is_late(10_000)  # It has not begun: nothing can be late.
    health.began = 100
    assert (health.is_late(160), health.is_late(161)) == (False, True)
    health.success(161, _NOON)
    assert (health.is_late(221), health.is_late(222)) == (False, True)


async def test_work_that_returns_is_not_started_again() -> None:
    work = Work(_badly, _well, _badly)
    await asyncio.wait_for(keep_running(work, LoopHealth("once", 60), first_pause=0.01, longest_pause=0.01), 20)
    assert work.begun == 2
