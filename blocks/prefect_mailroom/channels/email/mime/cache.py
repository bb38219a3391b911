"""Keep what was encoded once, so that every recipient and attempt in this process takes it as it is."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One encoded part of a mail.

    Attributes:
        content: its headers, a blank line and its body, with CRLF and no line break at the end. It is empty where the
            content was larger than asked for, since nobody can use it then.
        raw_size: length of the content in bytes before it was encoded.
    """

    content: bytes
    raw_size: int


class PartCache:
    """Holds parts up to a number of bytes; the one that was asked for longest ago goes first.

    Safe to use from several threads: while one makes a part, the others that want it wait for it.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.size = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Part] = OrderedDict()
        self._flights: dict[Hashable, Future[Part]] = {}

    def get(self, key: Hashable, make: Callable[[], Part]) -> Part:
        """Return the part of this key, which `make` makes where it is not kept.

        A part that is larger than everything kept may be is made and not kept. What `make` raises, all who wait get.
        """
        with self._lock:
            if (kept := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return kept
            flight = self._flights.get(key)
            is_ours = flight is None
            if flight is None:
                flight = self._flights[key] = Future()
        if not is_ours:
            return flight.result()
        try:
            part = make()
        except BaseException as error:
            self._land(key)
            flight.set_exception(error)
            raise
        self._land(key, part)
        flight.set_result(part)
        return part

    def clear(self) -> None:
        """Let go of everything that is kept."""
        with self._lock:
            self._kept.clear()
            self.size = 0

    def _land(self, key: Hashable, part: Part | None = None) -> None:
        with self._lock:
            del self._flights[key]
            if part is None or len(part.content) > self.max_bytes:
                return
            self._kept[key] = part
            self.size += len(part.content)
            while self.size > self.max_bytes:
                _, oldest = self._kept.popitem(last=False)
                self.size -= len(oldest.content)
