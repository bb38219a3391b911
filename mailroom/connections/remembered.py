"""Remembers for a short while what was read of connections, so that one run after the other does not ask Prefect again.

A warm process needs the same few connections all the time. A change made here has another key, so it is seen at once;
one that was made in Prefect's own interface is seen when `SECONDS` have passed.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from cachetools import TTLCache
from prefect.client.schemas.objects import BlockDocument

from mailroom.storage.tables import Connection

SECONDS = 30.0
_MOST = 1000


class RememberedDocuments:
    """Block documents by the name and the last change of their connection; `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._documents: TTLCache[tuple[str, str], BlockDocument] = TTLCache(_MOST, SECONDS, timer=clock)

    async def get(self, row: Connection, read: Callable[[], Awaitable[BlockDocument]]) -> BlockDocument:
        """Return the remembered document, or else what `read` gives and remember that. Errors are not remembered."""
        key = (row.name, row.updated_at.isoformat())
        document = self._documents.get(key)
        if document is None:
            document = self._documents[key] = await read()
        return document


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
