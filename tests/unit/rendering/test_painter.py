"""Pictures are painted in the background, each once, and a failure is not repeated at once."""

from __future__ import annotations

import asyncio

from mailroom.errors import Unavailable
from mailroom.rendering.first_page.painter import Painter
from mailroom.reports.errors import RenderFailed


async def wait_forever() -> None:
    await asyncio.Event().wait()


async def test_a_version_is_painted_once_however_many_want_it() -> None:
    painter, painted, gate = Painter(), [], asyncio.Event()

    async def make() -> None:
        await gate.wait()
        painted.append("a")

    assert [painter.want("a", make) for _ in range(3)] == [True, False, False]
    gate.set()
    await painter.settled()
    assert painted == ["a"]
    assert painter.want("a", make), "its file may be gone later"
    await painter.close()


async def test_one_is_painted_after_the_other() -> None:
    painter, under_way, most = Painter(), 0, 0

    async def make() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    for version in "abc":
        painter.want(version, make)
    await painter.settled()
    assert most == 1


async def test_what_failed_is_left_alone_for_a_while() -> None:
    for error in (RenderFailed("no"), Unavailable("later"), ValueError("unexpected")):
        painter = Painter()

        async def make(error: Exception = error) -> None:
            raise error

        assert painter.want("a", make)
        await painter.settled()
        assert not painter.want("a", make)


async def test_no_more_than_some_wait() -> None:
    painter = Painter()
    wanted = [painter.want(str(number), wait_forever) for number in range(painter.MOST_WAITING + 1)]
    assert wanted.count(False) == 1
    await painter.close()
    assert painter.want("later", wait_forever)
    await painter.close()
