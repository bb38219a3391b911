"""Everything comes up again and works until nothing is open; then come the promises that can be seen at rest alone."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from tests.integration.promises import promises
from tests.integration.promises.snapshot import ExecutionRow
from tests.integration.promises.story import Library
from tests.integration.promises.world import World

_ROUNDS = 80
_LEAST = timedelta(minutes=3)
"""What is silent for two minutes is looked at, and so is a due time that nothing claimed."""


def come_to_rest(
    world: World, library: Library, run: Callable[[Coroutine[Any, Any, Any]], Any], look: Callable[[], None]
) -> None:
    """Let it work for as long as something is open that was due by now; processes that were frozen are gone.

    Args:
        look: looks at the promises that hold at any time.
    """
    world.up = world.scheduler_up = world.source_up = True
    while world.frozen:
        world.died(world.frozen.pop(), seen=False)
    until = world.clock.now
    for _ in range(_ROUNDS):
        world.advance(_until_something_happens(world, until))
        run(world.upkeep())
        look()
        for one in world.server.due():
            run(world.work(one, []))
        look()
        if not _open(world, until):
            break
    run(world.upkeep())
    look()
    promises.promise_1_every_due_time_ended(world.snapshot, library, until=until)
    promises.promise_4_what_was_shown_is_what_fired(world.snapshot, library, until=until)
    run(promises.promise_1_the_proof_says_so(world, until=until))
    run(promises.promise_5_prefect_shows_what_is_wanted(world, world.client))


def _open(world: World, until: datetime) -> list[ExecutionRow]:
    return [row for row in world.snapshot.executions.values() if row.due_at <= until and not row.status.ended]


def _until_something_happens(world: World, until: datetime) -> timedelta:
    waits = [row.next_pass_at - world.clock.now for row in _open(world, until) if row.next_pass_at]
    return max(_LEAST, min(waits, default=_LEAST))
