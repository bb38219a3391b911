"""What a look costs hardly grows with the history and with the schedules that are well: what is wrong is read."""

from __future__ import annotations

from datetime import timedelta

from mailroom.incidents.finders.registry import FINDERS
from mailroom.settings import Settings
from mailroom.states import ExecutionState
from tests.integration.conftest import NOW
from tests.integration.incidents.conftest import DAY, ON_ONE, Ledger
from tests.support.statements import steps_of_sqlite

_BAD = (ExecutionState.FAILED, ExecutionState.MISSED, ExecutionState.PARTIAL)


async def _steps(book: Ledger) -> dict[str, int]:
    """Return how many steps of SQLite's machine each finder takes."""
    taken = {}
    for finder in FINDERS:
        async with book.database.session() as session, steps_of_sqlite(session) as steps:
            await finder.find(session, Settings(), now=NOW)
        taken[finder.name] = steps.count
    return taken


async def _failed(book: Ledger, ids: list[str], days: range) -> None:
    for day in days:
        for place, state in enumerate(_BAD):
            await book.ran(ids[place :: len(_BAD)], state, NOW - timedelta(days=day))


@ON_ONE
async def test_only_what_is_wrong_is_read(book: Ledger) -> None:
    await _failed(book, await book.add(30), range(3, 0, -1))
    before = await _steps(book)
    assert before["failing connections"] > 1000, "Nothing was looked for."
    well = await book.add(300)
    await _failed(book, well, range(12, 2, -1))
    await book.ran(well, ExecutionState.SUCCESS, NOW - DAY)
    # The states of the schedules are read, and when each last went well: a few steps of SQLite for each of them.
    after, few = await _steps(book), 60 * len(well)
    assert {name: (before[name], steps) for name, steps in after.items() if steps > before[name] + few} == {}
