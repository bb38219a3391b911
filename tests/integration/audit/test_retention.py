"""Old entries go, but only up to a place that was signed for, and what is left is still proved."""

from __future__ import annotations

import json

import pytest

from mailroom.audit.sealing import retention, signing
from mailroom.audit.sealing.verify import Code
from tests.integration.audit.conftest import Trail

on_sqlite = pytest.mark.parametrize("trail", ["sqlite"], indirect=True)
DAY = 24 * 60


async def _trim(trail: Trail, days: int = 30) -> int:
    keys = signing.read_public(trail.settings.data_dir / signing.PUBLIC_FILE)
    return await retention.trim(trail.database, keys, trail.settings.checkpoints_path, days=days, now=trail.now)


async def test_entries_before_a_signed_checkpoint_go(trail: Trail) -> None:
    await trail.add(3)
    await trail.add(4)
    trail.minutes += 20 * DAY
    await trail.add(2)
    assert await _trim(trail) == 0, "nothing is old enough"
    trail.minutes += 20 * DAY
    assert await _trim(trail, days=0) == 0, "without a limit everything is kept"
    assert await _trim(trail) == 7
    await trail.seal()
    verdict = await trail.check()
    assert verdict.wrong == []
    assert (verdict.begins_after, verdict.entries, verdict.removed_before) == (7, 3, 1), "and the trimming is audited"
    assert await trail.places() == [8, 9, 10]
    assert await _trim(trail) == 0, "once"
    await trail.change(8)
    assert (Code.CHANGED, 8) in await trail.wrong()


@on_sqlite
async def test_what_nobody_signed_for_stays(trail: Trail) -> None:
    await trail.add(3)
    trail.settings.checkpoints_path.write_text("")
    trail.minutes += 60 * DAY
    assert await _trim(trail) == 0
    assert await trail.entries() == 3


@on_sqlite
async def test_a_checkpoint_that_somebody_made_up_removes_nothing(trail: Trail) -> None:
    await trail.add(3)
    path = trail.settings.checkpoints_path
    (line,) = path.read_text().splitlines()
    made_up = {**json.loads(line), "signature": "AAAA"}
    path.write_text(json.dumps(made_up) + "\n")
    trail.minutes += 60 * DAY
    assert await _trim(trail) == 0
    assert await trail.entries() == 3


@on_sqlite
async def test_a_checkpoint_that_does_not_fit_removes_nothing(trail: Trail) -> None:
    await trail.add(3)
    await trail.change(2)
    await trail.compute_anew()
    trail.minutes += 60 * DAY
    assert await _trim(trail) == 0
    assert await trail.wrong() == [(Code.COMPUTED_ANEW, 3)]


@on_sqlite
async def test_a_beginning_that_nobody_signed_for_is_found(trail: Trail) -> None:
    await trail.add(3)
    await trail.begin_after(2, "0" * 64)
    assert (Code.BEGINNING, 2) in await trail.wrong()
