"""The queue of ids: bounded, one worker an id, nothing lost and nothing kept."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from deployments.workqueue import WorkQueue


class Bench:
    """Work that ends when it is told to, and counts."""

    def __init__(self) -> None:
        self.begun: Counter[str] = Counter()
        self.now: Counter[str] = Counter()
        self.most = 0
        self.gate = asyncio.Event()

    async def work(self, key: str) -> None:
        self.begun[key] += 1
        self.now[key] += 1
        self.most = max(self.most, self.now.total())
        assert self.now[key] == 1, "two workers work on one id"
        await self.gate.wait()
        self.now[key] -= 1
        if key == "bad":
            raise RuntimeError("bad work")


async def _turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_few_workers_and_each_id_once() -> None:
    bench = Bench()
    queue = WorkQueue(bench.work, workers=2)
    futures = [queue.add(str(number % 10)) for number in range(30)]
    await _turns()
    assert bench.most == 2
    bench.gate.set()
    await asyncio.wait(futures)
    assert bench.most == 2
    assert bench.begun == Counter({str(number): 1 for number in range(10)})
    assert queue.backlog == 0


async def test_an_id_that_changes_while_it_is_worked_on_is_worked_on_again() -> None:
    bench = Bench()
    queue = WorkQueue(bench.work, workers=4)
    first = queue.add("a")
    await _turns()
    second = queue.add("a")
    assert second is not first
    bench.gate.set()
    await first
    await second
    assert bench.begun["a"] == 2


async def test_work_that_fails_ends_neither_its_worker_nor_its_waiter(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.gate.set()
    queue = WorkQueue(bench.work, workers=1)
    await asyncio.wait([queue.add("bad"), queue.add("good")], timeout=60)
    assert bench.begun == Counter(bad=1, good=1)
    assert "Work on bad failed" in caplog.text


async def test_closing_releases_those_who_wait() -> None:
    bench = Bench()
    queue = WorkQueue(bench.work, workers=1)
    futures = [queue.add("a"), queue.add("b")]
    await _turns()
    await queue.close()
    done, left = await asyncio.wait(futures, timeout=60)
    assert (len(done), left) == (2, set())


async def test_an_id_that_is_added_while_the_last_worker_ends_is_worked_on() -> None:
    """Both wait for one answer: the worker takes it and ends, and then a request takes it and adds an id."""
    bench = Bench()
    answer = asyncio.get_running_loop().create_future()

    async def work(key: str) -> None:
        if key == "a":
            await answer
        bench.begun[key] += 1

    queue = WorkQueue(work, workers=2)
    queue.add("a")
    await _turns()

    async def request() -> asyncio.Future[None]:
        await answer
        return queue.add("b")

    asking = asyncio.create_task(request())
    await _turns()
    answer.set_result(None)
    await asking
    await _turns()
    assert bench.begun == Counter(a=1, b=1)


async def test_an_id_whose_worker_was_cancelled_by_its_own_work_is_worked_on_again() -> None:
    bench = Bench()
    begun = asyncio.Event()
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def work(key: str) -> None:
        bench.begun[key] += 1
        begun.set()
        if bench.begun[key] == 1:
            await answer

    queue = WorkQueue(work, workers=1)
    queue.add("a")
    await begun.wait()
    again, other = queue.add("a"), queue.add("b")
    answer.cancel()
    await asyncio.wait([again, other], timeout=60)
    assert bench.begun == Counter(a=2, b=1)
