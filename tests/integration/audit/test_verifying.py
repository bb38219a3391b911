"""What was done to a trail is found, and named by its place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from mailroom.audit.sealing import standing
from mailroom.audit.sealing.standing import Standing
from mailroom.audit.sealing.verify import Code
from mailroom.settings import Settings
from mailroom.storage.tables import AuditEvent
from tests.integration.audit.conftest import Trail

on_sqlite = pytest.mark.parametrize("trail", ["sqlite"], indirect=True)


async def test_a_changed_entry(trail: Trail) -> None:
    await trail.add(5)
    await trail.change(3)
    assert await trail.wrong() == [(Code.CHANGED, 3)]


@on_sqlite
async def test_a_removed_entry(trail: Trail) -> None:
    await trail.add(5)
    await trail.force("DELETE FROM audit_events WHERE id = (SELECT event_id FROM audit_seals WHERE position = 2)")
    assert await trail.wrong() == [(Code.REMOVED, 2)]


@on_sqlite
async def test_an_entry_removed_with_its_place(trail: Trail) -> None:
    await trail.add(5)
    await trail.force(
        "DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_seals WHERE position IN (2, 3))",
        "DELETE FROM audit_seals WHERE position IN (2, 3)",
    )
    assert await trail.wrong() == [(Code.REMOVED, 2)]


async def test_a_chain_that_was_computed_anew(trail: Trail) -> None:
    await trail.add(3)
    await trail.add(3)
    await trail.change(5)
    await trail.compute_anew()
    assert await trail.wrong() == [(Code.COMPUTED_ANEW, 6)]
    verdict = await trail.check()
    assert verdict.proven is not None
    assert verdict.proven.position == 3, "what came before the change is still proved"
    assert "4 to 6" in verdict.wrong[0].message
    assert await trail.wrong(Path("/nowhere")) == [], "the database alone does not show it"


async def test_a_tail_that_was_cut(trail: Trail) -> None:
    await trail.add(3)
    await trail.add(3)
    await trail.cut_after(4)
    assert await trail.wrong() == [(Code.CUT, 5)]
    assert await trail.wrong(Path("/nowhere")) == [], "the database alone does not show it"


@on_sqlite
async def test_a_trail_that_is_gone(trail: Trail) -> None:
    await trail.add(3)
    await trail.force("DELETE FROM audit_events", "DELETE FROM audit_seals")
    await trail.begin_after(0, (await _beginning(trail)))
    await trail.force(f"UPDATE audit_chain SET position = 0, hash = '{await _beginning(trail)}'")
    assert await trail.wrong() == [(Code.CUT, 1)]


@on_sqlite
async def test_an_end_that_was_set_back(trail: Trail) -> None:
    await trail.add(3)
    await trail.force("UPDATE audit_chain SET position = 2")
    assert await trail.wrong() == [(Code.ENDS, 3)]


@on_sqlite
async def test_a_checkpoint_that_was_changed_or_signed_by_another_key(trail: Trail, tmp_path: Path) -> None:
    await trail.add(3)
    path = trail.settings.checkpoints_path
    changed = tmp_path / "changed.jsonl"
    changed.write_text(path.read_text().replace('"position":3', '"position":2'))
    assert await trail.wrong(changed) == [(Code.NOT_SIGNED, 2)]
    changed.write_text("no checkpoint\n")
    assert await trail.wrong(changed) == [(Code.UNREADABLE, None)]
    other = Trail(trail.database, Settings(data_dir=tmp_path / "other"), trail.sealer)
    from mailroom.audit.sealing.sealer import Sealer

    other.sealer = Sealer(other.database, other.settings)
    await other.seal()
    assert await trail.wrong(other.settings.checkpoints_path) == [(Code.NOT_SIGNED, 3)]


@on_sqlite
async def test_checkpoints_of_another_database(trail: Trail, tmp_path: Path) -> None:
    await trail.add(3)
    copy = tmp_path / "copy.jsonl"
    shutil.copy(trail.settings.checkpoints_path, copy)
    await trail.force("UPDATE audit_chain SET trail_id = '00000000-0000-0000-0000-000000000000'")
    assert (Code.OTHER_TRAIL, 3) in await trail.wrong(copy)


async def _beginning(trail: Trail) -> str:
    from mailroom.audit.sealing import seals
    from mailroom.audit.sealing.chain import beginning

    async with trail.database.session() as session:
        return beginning((await seals.chain(session)).trail_id)


async def test_a_quick_look_shows_what_does_not_fit_among_what_is_read(trail: Trail) -> None:
    await trail.add(5)
    async with trail.database.session() as session:
        rows = (await session.scalars(select(AuditEvent).order_by(AuditEvent.at))).all()

    async def look() -> Standing:
        signed, wrong = await standing.last_checkpoint(trail.settings)
        async with trail.database.session() as session:
            fresh = (await session.scalars(select(AuditEvent).order_by(AuditEvent.at))).all()
            return await standing.look(session, signed, fresh, wrong=wrong)

    stands = await look()
    assert (stands.position, stands.signed and stands.signed.position, stands.wrong) == (5, 5, ())
    await trail.add(1, sealed=False)
    assert (await look()).wrong == (), "what has no place yet is no fault"
    await trail.force(f"UPDATE audit_events SET actor = 'mallory' WHERE id = '{rows[2].id}'")
    assert [(one.code, one.position) for one in (await look()).wrong] == [(Code.CHANGED, 3)]
    await trail.force("DELETE FROM audit_seals WHERE position = 5")
    assert (Code.CUT, 5) in [(one.code, one.position) for one in (await look()).wrong]
    assert (await standing.check_everything(trail.database, trail.settings)).wrong
