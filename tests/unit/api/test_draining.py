"""An API process that is to end says so first, and answers meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from api.http.ending import draining


@pytest.fixture
def ended() -> Iterator[list[int]]:
    """Stand in for the server: note when it is told to stop."""
    told: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        told.append(number)

    before = signal.signal(signal.SIGTERM, stop)
    yield told
    signal.signal(signal.SIGTERM, before)


async def test_it_is_not_ready_for_a_while_before_it_ends(ended: list[int]) -> None:
    ending = asyncio.Event()
    draining.install(ending, 0.3)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(ending.wait(), 60)
    assert ended == []
    async with asyncio.timeout(60):
        while not ended:
            await asyncio.sleep(0.02)
    assert ended == [signal.SIGTERM]


async def test_a_second_signal_ends_it_at_once(ended: list[int]) -> None:
    ending = asyncio.Event()
    draining.install(ending, 600)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(ending.wait(), 60)
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(60):
        while not ended:
            await asyncio.sleep(0.02)


async def test_without_a_time_nothing_is_put_in_between(ended: list[int]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    draining.install(asyncio.Event(), 0)
    assert signal.getsignal(signal.SIGTERM) is before
