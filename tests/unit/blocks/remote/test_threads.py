from __future__ import annotations

import asyncio
import threading

import pytest

from prefect_mailroom.channels.remote.threads import Stop, in_thread


def nothing() -> None:
    """There is no connection to abort."""


async def test_result_and_error() -> None:
    assert await in_thread(lambda: 7, stop=Stop(), abort=nothing, seconds=5, grace=1) == 7
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0, stop=Stop(), abort=nothing, seconds=5, grace=1)


async def test_work_that_asks_ends_at_its_time() -> None:
    stop, aborted = Stop(), threading.Event()

    def work() -> None:
        while True:
            stop.check()

    with pytest.raises(TimeoutError):
        await in_thread(work, stop=stop, abort=aborted.set, seconds=0.05, grace=10)
    assert not aborted.is_set()


async def test_work_that_hangs_is_aborted() -> None:
    aborted, ended = threading.Event(), threading.Event()

    def work() -> None:
        aborted.wait()
        ended.set()

    with pytest.raises(TimeoutError):
        await in_thread(work, stop=Stop(), abort=aborted.set, seconds=0.05, grace=0.2)
    assert ended.is_set()


async def test_work_that_succeeds_in_its_last_moment_has_succeeded() -> None:
    stop = Stop()

    def work() -> str:
        while not stop._asked.is_set():
            pass
        return "done"

    assert await in_thread(work, stop=stop, abort=nothing, seconds=0.05, grace=10) == "done"


async def test_cancelled_caller_waits_for_the_end() -> None:
    stop, began, ended = Stop(), asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(began.set)
        try:
            while True:
                stop.check()
        finally:
            ended.set()

    running = asyncio.create_task(in_thread(work, stop=stop, abort=nothing, seconds=60, grace=10))
    await began.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended.is_set()
