"""Take pages of ids in turn, so that ids which stay hold up no others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession


class Reader(Protocol):
    """Reads the next ids in ascending order."""

    async def __call__(self, session: AsyncSession, *, after: str, limit: int) -> Sequence[str]:
        """Return at most `limit` ids that are greater than `after`."""


class Rotation:
    """Goes round through all that a reader finds: each page begins where the last one ended.

    Args:
        start: where the first page begins. A process that lives for one page begins anywhere, so that many of them
            together come round as well.
    """

    def __init__(self, read: Reader, *, size: int, start: str) -> None:
        self._read, self._size, self._after = read, size, start

    async def next_page(self, session: AsyncSession) -> list[str]:
        """Return the next page, which goes on from the beginning where the end was reached; no id is twice in it."""
        page = list(await self._read(session, after=self._after, limit=self._size))
        if len(page) < self._size:
            first = await self._read(session, after="", limit=self._size - len(page))
            page = list(dict.fromkeys([*page, *first]))
        if page:
            self._after = page[-1]
        return page
