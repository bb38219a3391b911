"""Choose who is next. Groups take turns, so that many jobs of one owner do not hold up the others. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

from mailroom.errors import Unavailable

T = TypeVar("T")
MOST = 20_000
MOST_A_GROUP = 5_000
URGENT_IN_A_ROW = 4
"""So many urgent items go first; then one of the others does, so that these come to an end too."""


class FairQueue(Generic[T]):
    """Items wait in groups; each pop serves the next group's oldest item, those of urgent groups first.

    The same item may wait in several groups: it is served once, at the first turn that comes.
    """

    def __init__(self, *, most: int = MOST, most_a_group: int = MOST_A_GROUP) -> None:
        self._most, self._most_a_group = most, most_a_group
        self._lanes: dict[bool, OrderedDict[str, dict[T, None]]] = {True: OrderedDict(), False: OrderedDict()}
        self._places: dict[T, set[tuple[bool, str]]] = {}
        self._in_a_row = 0

    def __len__(self) -> int:
        return len(self._places)

    def push(self, item: T, *, group: str, urgent: bool = False) -> None:
        """Let the item wait in the group.

        Raises:
            Unavailable: the group, or the queue, is full.
        """
        lane = self._lanes[urgent]
        here = lane.get(group, {})
        if item in here:
            return
        if len(here) >= self._most_a_group or (item not in self._places and len(self) >= self._most):
            raise Unavailable("Too many renderings are waiting.", remedy="Try again when some of them are done.")
        lane.setdefault(group, {})[item] = None
        self._places.setdefault(item, set()).add((urgent, group))

    def pop(self) -> T | None:
        """Return the next item, or None where none waits."""
        urgent = bool(self._lanes[True])
        if urgent and self._lanes[False] and self._in_a_row >= URGENT_IN_A_ROW:
            urgent = False
        lane = self._lanes[urgent]
        if not lane:
            return None
        self._in_a_row = self._in_a_row + 1 if urgent else 0
        group, items = next(iter(lane.items()))
        item = next(iter(items))
        lane.move_to_end(group)
        self.discard(item)
        return item

    def discard(self, item: T) -> None:
        """Take the item out of every group where it waits."""
        for urgent, group in self._places.pop(item, set()):
            lane = self._lanes[urgent]
            del lane[group][item]
            if not lane[group]:
                del lane[group]
