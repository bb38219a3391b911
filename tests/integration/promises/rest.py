"""Everything comes up again and works until nothing is open; then come the promises that can be seen at rest alone."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from tests.integration.promises import promises
from tests.integration.promises.environment import SimulatedEnvironment
from tests.integration.promises.snapshot import ExecutionRow
from tests.integration.promises.story import Library

_ROUNDS = 80
_LEAST = timedelta(minutes=3)
"""What is silent for two minutes is looked at, and so is a due time that nothing claimed."""


def come_to_rest(
    environment: SimulatedEnvironment,
    library: Library,
    run: Callable[[Coroutine[Any, Any, Any]], Any],
    look: Callable[[], None],
) -> None:
    """Let it work for as long as something is open that was due by now; processes that were frozen are gone.

    Args:
        look: looks at the promises that hold at any time.
    """
    environment.up = environment.scheduler_up = environment.source_up = True
    while environment.frozen:
        environment.died(environment.frozen.pop(), seen=False)
    until = environment.clock.now
    for _ in range(_ROUNDS):
        environment.advance(_until_something_happens(environment, until))
        run(environment.upkeep())
        look()
        for one in environment.server.due():
            run(environment.work(one, []))
        look()
        if not _open(environment, until):
            break
    run(environment.upkeep())
    look()
    promises.promise_1_every_due_time_ended(environment.snapshot, library, until=until)
    promises.promise_4_what_was_shown_is_what_fired(environment.snapshot, library, until=until)
    run(promises.promise_1_the_proof_says_so(environment, until=until))
    run(promises.promise_5_prefect_shows_what_is_wanted(environment, environment.client))


def _open(environment: SimulatedEnvironment, until: datetime) -> list[ExecutionRow]:
    return [row for row in environment.snapshot.executions.values() if row.due_at <= until and not row.status.ended]


def _until_something_happens(environment: SimulatedEnvironment, until: datetime) -> timedelta:
    waits = [row.next_pass_at - environment.clock.now for row in _open(environment, until) if row.next_pass_at]
    return max(_LEAST, min(waits, default=_LEAST))
