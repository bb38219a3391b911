"""The trail is sealed behind everybody's back, in a chain without gaps, whoever writes and seals at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from deployments import trail_loops
from mailroom.audit import repository as audit
from mailroom.audit.events import ScheduleFinished
from mailroom.audit.sealing import checkpoints, sealer, seals
from mailroom.audit.sealing.sealer import Sealer, TrailContradicted
from mailroom.roles import Role
from mailroom.storage.model.audit import AuditSeal
from mailroom.storage.tables import AuditEvent, Notification, User
from tests.integration.audit.conftest import BEGAN, Trail
from tests.support.waiting import eventually

on_postgres = pytest.mark.parametrize("trail", ["postgres"], indirect=True)
on_sqlite = pytest.mark.parametrize("trail", ["sqlite"], indirect=True)


async def test_entries_are_sealed_and_signed_for(trail: Trail) -> None:
    await trail.add(3)
    await trail.add(2)
    verdict = await trail.check()
    assert verdict.wrong == []
    assert verdict.proven is not None
    assert (verdict.entries, verdict.proven.position, verdict.unsealed) == (5, 5, 0)
    assert await trail.seal() == 0
    assert len(checkpoints.read(trail.settings.checkpoints_path)) == 2, "nothing new is signed for once"


async def test_several_sealers_at_once_leave_one_chain(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealer, "BATCH", 20)
    await trail.add(100, sealed=False)
    others = [Sealer(trail.database, trail.settings) for _ in range(4)]
    sealed = await asyncio.gather(*(one.tick(trail.now) for one in others))
    assert sum(sealed) == 100
    assert await trail.places() == list(range(1, 101))
    assert await trail.wrong() == []


@on_postgres
async def test_an_entry_that_becomes_visible_late_gets_a_later_place(trail: Trail) -> None:
    await trail.add(1)
    async with trail.database.session() as slow:
        audit.record(slow, ScheduleFinished("slow"), at=trail.now)
        await slow.flush()
        await trail.add(2)
        assert await trail.places() == [1, 2, 3], "nobody waits for it"
    assert await trail.seal() == 1
    assert await trail.places() == [1, 2, 3, 4]
    assert await trail.wrong() == []


@on_postgres
async def test_who_writes_an_entry_does_not_wait_for_a_sealer(trail: Trail) -> None:
    async with trail.database.session() as sealing:
        await seals.lock(sealing)
        await asyncio.wait_for(trail.add(3, sealed=False), 20)
    assert await trail.seal() == 3


async def test_an_entry_of_long_ago_is_found_by_the_look_at_everything(trail: Trail) -> None:
    seconds = 0.0
    trail.sealer = Sealer(trail.database, trail.settings, clock=lambda: seconds)
    await trail.add(1)
    async with trail.database.session() as session:
        audit.record(session, ScheduleFinished("old"), at=trail.now - timedelta(days=1))
    assert await trail.seal() == 0
    seconds = 3601.0
    assert await trail.seal() == 1
    assert await trail.wrong() == []


async def test_the_database_lets_nobody_change_or_remove_an_entry(trail: Trail) -> None:
    await trail.add(2)
    await trail.add(1, sealed=False)
    forbidden = [update(AuditEvent).values(actor="nobody"), update(AuditSeal).values(hash="0" * 64)]
    forbidden += [delete(AuditEvent), delete(AuditSeal)]  # type: ignore[list-item]  # both are statements
    if trail.database.engine.dialect.name == "postgresql":
        forbidden += [text("TRUNCATE audit_events"), text("TRUNCATE audit_seals")]  # type: ignore[list-item]
    for statement in forbidden:
        with pytest.raises(DBAPIError, match="only added to"):
            async with trail.database.session() as session:
                await session.execute(statement)
    assert await trail.entries() == 3
    assert await trail.wrong() == []


async def test_a_trail_that_was_cut_is_not_signed_for(trail: Trail) -> None:
    await trail.add(3)
    await trail.add(3)
    await trail.cut_after(4)
    await trail.add(1, sealed=False)
    with pytest.raises(TrailContradicted):
        await trail.seal()
    assert len(checkpoints.read(trail.settings.checkpoints_path)) == 2
    assert await trail.places() == [1, 2, 3, 4, 5], "what is new is sealed all the same"


@on_sqlite
async def test_admins_are_told_of_it_once_and_the_loop_goes_on(trail: Trail) -> None:
    await trail.add(3)
    await trail.cut_after(2)
    async with trail.database.session() as session:
        people = [("ada@example.com", Role.ADMIN), ("eve@example.com", Role.CREATOR)]
        session.add_all([User(email=email, role=role, created_at=BEGAN, updated_at=BEGAN) for email, role in people])

    async def told() -> list[Notification]:
        async with trail.database.session() as session:
            return list(await session.scalars(select(Notification)))

    loop = next(one for one in trail_loops.loops(trail.database, trail.settings) if one.health.name == "audit sealer")
    running = asyncio.create_task(loop.run())
    try:
        await eventually(lambda: loop.health.last_success is not None)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert loop.health.restarts == 0
    (one,) = await told()
    assert (one.severity, "cut" in one.body or "no entry 3" in one.body) == ("error", True)


@on_sqlite
async def test_a_line_that_a_power_cut_tore_stays_by_itself(trail: Trail) -> None:
    await trail.add(1)
    with trail.settings.checkpoints_path.open("ab") as file:
        file.write(b'{"trail":"hal')
    await trail.add(1)
    lines = checkpoints.read(trail.settings.checkpoints_path)
    assert [line.checkpoint.position if line.checkpoint else None for line in lines] == [1, None, 2]
