"""Remembers for a short while what was read of connections, so that one run after the other does not ask Prefect again.

A warm process needs the same few connections all the time. A change made here has another key, so it is seen at once;
one that was made in Prefect's own interface is seen when `SECONDS` have passed.

The connection that alerts go through is kept at hand for longer, since a Prefect that is silent has to be told, too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from cachetools import TTLCache
from prefect.client.schemas.objects import BlockDocument

from mailroom.errors import Unavailable
from mailroom.storage.tables import Connection

SECONDS = 30.0
RENEWED_AFTER = 600.0
"""The connection at hand is read again after so many seconds, also where nothing is sent."""
PATIENCE = 3.0
"""So many seconds Prefect has to answer where its last answer is at hand."""
_MOST = 1000
Read = Callable[[], Awaitable[BlockDocument]]
_Key = tuple[str, str]


class RememberedDocuments:
    """Block documents by the name and the last change of their connection; `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._documents: TTLCache[_Key, BlockDocument] = TTLCache(_MOST, SECONDS, timer=clock)
        self._at_hand: tuple[_Key, BlockDocument, float] | None = None

    async def get(self, row: Connection, read: Read) -> BlockDocument:
        """Return the remembered document, or else what `read` gives and remember that. Errors are not remembered."""
        key = _key(row)
        document = self._documents.get(key)
        if document is None:
            document = self._documents[key] = await read()
        return document

    async def get_at_hand(self, row: Connection, read: Read) -> BlockDocument:
        """Return the same as `get`, and keep it: it is what counts where Prefect does not answer the next time.

        One connection is at hand, in the version of its last change; another one takes its place.

        Raises:
            Unavailable: Prefect does not answer, and nothing of this version is at hand.
        """
        key = _key(row)
        kept = self._at_hand[1] if self._at_hand is not None and self._at_hand[0] == key else None
        try:
            async with asyncio.timeout(None if kept is None else PATIENCE):
                document = await self.get(row, read)
        except (TimeoutError, Unavailable):
            if kept is None:
                raise
            return kept
        self._at_hand = (key, document, self._clock())
        return document

    def is_at_hand(self, row: Connection) -> bool:
        """Tell whether this version of a connection is at hand, and was read not long ago."""
        if self._at_hand is None or self._at_hand[0] != _key(row):
            return False
        return self._clock() - self._at_hand[2] < RENEWED_AFTER


def _key(row: Connection) -> _Key:
    return (row.name, row.updated_at.isoformat())


_OF_PROCESS = [RememberedDocuments()]


def of_process() -> RememberedDocuments:
    """Return what this process remembers."""
    return _OF_PROCESS[-1]


@contextmanager
def remembering(documents: RememberedDocuments) -> Iterator[None]:
    """Have this process use other remembered documents within the block, such as with another clock."""
    _OF_PROCESS.append(documents)
    try:
        yield
    finally:
        _OF_PROCESS.remove(documents)
