"""A trail that does not fit its checkpoints is found, by what a process sees of it."""

from __future__ import annotations

from datetime import timedelta

from mailroom.audit.sealing.verify import Code
from mailroom.heartbeats import repository as heartbeats
from mailroom.heartbeats.spec import WRITER, Beat
from mailroom.incidents.finders.parts import trail as finder
from mailroom.watching.signs import written
from tests.integration.audit.conftest import Trail

PROCESS = "api one:1"


async def _found(trail: Trail) -> list[list[str]]:
    """Let a process look at the trail; return the codes of what is then found."""
    now = trail.now
    async with trail.database.session() as session:
        beats = [Beat(WRITER, PROCESS, now, now, 40)]
        seen = await written.of_trail(session, trail.settings, process=PROCESS, began_at=now, now=now)
        await heartbeats.write(session, [*beats, *([seen] if seen else [])])
        return [one.values["codes"] for one in await finder.find(session, trail.settings, now=now)]


async def test_a_trail_that_was_cut_is_found_and_no_trail_is_not(trail: Trail) -> None:
    assert await _found(trail) == [], "nothing is signed yet"
    await trail.add(3)
    assert await _found(trail) == []
    await trail.force("DELETE FROM audit_seals WHERE position = 3")
    assert await _found(trail) == [[Code.CUT]]
    async with trail.database.session() as session:
        assert await finder.find(session, trail.settings, now=trail.now + timedelta(hours=1)) == [], "nobody is left"
