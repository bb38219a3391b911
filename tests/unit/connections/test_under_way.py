"""A check or test that takes longer than its page waits goes on, and its result is known to the one who began it."""

from __future__ import annotations

import asyncio

from mailroom.connections.under_way import UnderWay


async def test_a_result_is_for_the_one_who_began_it() -> None:
    under_way, may_end = UnderWay(), asyncio.Event()

    async def work() -> str:
        await may_end.wait()
        return "done"

    name = under_way.begin("ada", work())
    task = await under_way.wait("ada", name, 0)
    assert task is not None
    assert not task.done()
    assert await under_way.wait("bo", name, 0) is None
    assert await under_way.wait("ada", "another", 0) is None

    may_end.set()
    task = await under_way.wait("ada", name, 5)
    assert task is not None
    assert task.result() == "done"


async def test_nothing_goes_on_after_the_process_ends() -> None:
    under_way = UnderWay()
    name = under_way.begin("ada", asyncio.sleep(3600))

    await under_way.close()

    task = await under_way.wait("ada", name, 0)
    assert task is not None
    assert task.cancelled()


async def test_what_fell_out_still_ends() -> None:
    under_way = UnderWay()
    ended: list[int] = []

    async def work(number: int) -> None:
        ended.append(number)

    names = [under_way.begin("ada", work(number)) for number in range(UnderWay.MOST + 1)]

    assert await under_way.wait("ada", names[0], 0) is None
    assert await under_way.wait("ada", names[-1], 5) is not None
    assert len(ended) == UnderWay.MOST + 1
