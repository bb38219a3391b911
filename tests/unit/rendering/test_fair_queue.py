"""Turns: a burst of one owner delays the others by its share and no more."""

from __future__ import annotations

import pytest

from mailroom.errors import Unavailable
from mailroom.rendering.renderers.fair_queue import URGENT_IN_A_ROW, FairQueue


def drained(queue: FairQueue[str]) -> list[str]:
    """Everything, in the order in which it is served."""
    items = []
    while (item := queue.pop()) is not None:
        items.append(item)
    return items


def test_security_47_groups_take_turns_and_keep_their_own_order() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(4):
        queue.push(f"burst {number}", group="a")
    queue.push("b 0", group="b")
    queue.push("c 0", group="c")
    queue.push("b 1", group="b")
    assert len(queue) == 7
    assert drained(queue) == ["burst 0", "b 0", "c 0", "burst 1", "b 1", "burst 2", "burst 3"]
    assert len(queue) == 0


def test_a_late_group_waits_for_one_item_of_the_burst() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(100):
        queue.push(f"burst {number}", group="a")
    assert queue.pop() == "burst 0"
    queue.push("late", group="b")
    assert "late" in (queue.pop(), queue.pop())


def test_previews_go_first_but_do_not_starve_the_rest() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(3):
        queue.push(f"bulk {number}", group="a")
    for number in range(URGENT_IN_A_ROW + 1):
        queue.push(f"preview {number}", group="p", urgent=True)
    served = drained(queue)
    assert served[:URGENT_IN_A_ROW] == [f"preview {number}" for number in range(URGENT_IN_A_ROW)]
    assert served[URGENT_IN_A_ROW : URGENT_IN_A_ROW + 2] == ["bulk 0", f"preview {URGENT_IN_A_ROW}"]
    assert served[-2:] == ["bulk 1", "bulk 2"]


def test_an_item_wanted_by_two_groups_is_served_once_at_the_first_turn() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(5):
        queue.push(f"burst {number}", group="a")
    queue.push("burst 4", group="b")
    queue.push("burst 4", group="b")
    assert drained(queue) == ["burst 0", "burst 4", "burst 1", "burst 2", "burst 3"]


def test_what_is_given_up_is_not_served() -> None:
    queue: FairQueue[str] = FairQueue()
    for name in ("one", "two", "three"):
        queue.push(name, group="a")
    queue.push("two", group="b", urgent=True)
    queue.discard("two")
    queue.discard("never there")
    assert drained(queue) == ["one", "three"]


def test_security_47_a_full_group_is_refused_and_the_others_are_not() -> None:
    queue: FairQueue[str] = FairQueue(most=3, most_a_group=2)
    queue.push("1", group="a")
    queue.push("2", group="a")
    with pytest.raises(Unavailable, match="are waiting"):
        queue.push("3", group="a")
    queue.push("4", group="b")
    with pytest.raises(Unavailable):
        queue.push("5", group="c")
    queue.push("4", group="c")  # It waits already, so nothing is added.
    assert drained(queue) == ["1", "4", "2"]
