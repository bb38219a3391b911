"""Pages of ids in turn: everybody's turn comes, and soon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession

from deployments.rotation import Rotation

NO_SESSION = cast("AsyncSession", None)


class Shelf:
    """Ids that wait, in memory."""

    def __init__(self, ids: str) -> None:
        self.ids = list(ids)

    async def read(self, session: AsyncSession, *, after: str, limit: int) -> Sequence[str]:
        return sorted(one for one in self.ids if one > after)[:limit]


async def _page(rotation: Rotation) -> str:
    return "".join(await rotation.next_page(NO_SESSION))


async def test_pages_go_round_and_each_is_full() -> None:
    rotation = Rotation(Shelf("abcde").read, size=2, start="")
    assert [await _page(rotation) for _ in range(5)] == ["ab", "cd", "ea", "bc", "de"]


async def test_no_id_is_twice_in_a_page_where_few_wait() -> None:
    rotation = Rotation(Shelf("abc").read, size=10, start="b")
    assert await _page(rotation) == "cab"
    assert await _page(rotation) == "cab"


async def test_what_leaves_and_what_comes_disturbs_nobody() -> None:
    shelf = Shelf("abcd")
    rotation = Rotation(shelf.read, size=2, start="")
    assert await _page(rotation) == "ab"
    shelf.ids = list("bcx")
    assert await _page(rotation) == "cx"
    shelf.ids = []
    assert await _page(rotation) == ""
    shelf.ids = list("a")
    assert await _page(rotation) == "a"
