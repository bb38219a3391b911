"""A sealed audit trail on both databases, and ways to tamper with it as a superuser of the database could."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update

from mailroom.audit import repository as audit
from mailroom.audit.events import ScheduleFinished
from mailroom.audit.sealing import checkpoints, seals, signing
from mailroom.audit.sealing.chain import entry_of, link
from mailroom.audit.sealing.sealer import Sealer
from mailroom.audit.sealing.verify import Code, Verdict, verify
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.migrations import upgrade
from mailroom.storage.model.audit import AuditChain, AuditSeal
from mailroom.storage.tables import AuditEvent

BEGAN = datetime(2026, 11, 23, 8, tzinfo=UTC)


@dataclass
class Trail:
    """An audit trail with its sealer. Each step is a minute later than the one before."""

    database: Database
    settings: Settings
    sealer: Sealer
    minutes: int = 0

    @property
    def now(self) -> datetime:
        """Return the time of the last step."""
        return BEGAN + timedelta(minutes=self.minutes)

    async def add(self, count: int, *, sealed: bool = True) -> None:
        """Add entries, and seal them."""
        self.minutes += 1
        async with self.database.session() as session:
            for number in range(count):
                audit.record(session, ScheduleFinished(f"s-{number}"), at=self.now + timedelta(seconds=number / 1000))
        if sealed:
            await self.seal()

    async def seal(self) -> int:
        """Seal what is not sealed, and sign for it."""
        return await self.sealer.tick(self.now)

    async def check(self, path: Path | None = None) -> Verdict:
        """Verify the trail against its checkpoints, or those of another file."""
        keys = signing.read_public(self.settings.data_dir / signing.PUBLIC_FILE)
        return await verify(self.database, checkpoints.read(path or self.settings.checkpoints_path), keys)

    async def wrong(self, path: Path | None = None) -> list[tuple[Code, int | None]]:
        """Return what is wrong, with the places."""
        return [(one.code, one.position) for one in (await self.check(path)).wrong]

    async def force(self, *statements: str) -> None:
        """Run statements without the triggers that guard the trail; they come back afterwards."""
        async with self.database.engine.begin() as connection:
            postgres = connection.dialect.name == "postgresql"
            kept = []
            if postgres:
                for table in ("audit_events", "audit_seals"):
                    await connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            else:
                query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit_%'"
                kept = list((await connection.execute(text(query))).all())
                for name, _ in kept:
                    await connection.execute(text(f"DROP TRIGGER {name}"))
            for statement in statements:
                await connection.execute(text(statement))
            if postgres:
                for table in ("audit_events", "audit_seals"):
                    await connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
            for _, sql in kept:
                await connection.exec_driver_sql(sql)

    async def change(self, position: int) -> None:
        """Change the entry at a place behind everybody's back."""
        await self.force(f"UPDATE audit_events SET actor = 'nobody' WHERE id = ({_id_at(position)})")

    async def compute_anew(self) -> None:
        """Compute the whole chain again over what is there, as somebody who reads this code could."""
        async with self.database.session() as session:
            ends = await seals.chain(session)
            previous = ends.kept_hash
            statements = []
            for seal, event in await seals.sealed_after(session, ends.kept_after, limit=10_000):
                assert event is not None
                previous = link(previous, seal.position, entry_of(event))
                statements.append(f"UPDATE audit_seals SET hash = '{previous}' WHERE position = {seal.position}")
        await self.force(*statements, f"UPDATE audit_chain SET hash = '{previous}'")

    async def cut_after(self, position: int) -> None:
        """Cut off everything after a place, and leave no trace of it in the database."""
        async with self.database.session() as session:
            end = await seals.hash_at(session, position)
        await self.force(
            f"DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_seals WHERE position > {position})",
            f"DELETE FROM audit_seals WHERE position > {position}",
            f"UPDATE audit_chain SET position = {position}, hash = '{end}'",
        )

    async def places(self) -> list[int]:
        """Return the places that are taken, in order."""
        async with self.database.session() as session:
            return list(await session.scalars(select(AuditSeal.position).order_by(AuditSeal.position)))

    async def entries(self) -> int:
        """Count the entries, sealed or not."""
        async with self.database.session() as session:
            return int((await session.execute(select(func.count(AuditEvent.id)))).scalar_one())

    async def begin_after(self, position: int, hash_there: str) -> None:
        """Say in the database that the trail begins later."""
        async with self.database.session() as session:
            await session.execute(update(AuditChain).values(kept_after=position, kept_hash=hash_there))


def _id_at(position: int) -> str:
    return f"SELECT event_id FROM audit_seals WHERE position = {position}"


@pytest.fixture(params=["sqlite", "postgres"])
async def trail(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Trail]:
    """Make an empty trail, once on SQLite and once on Postgres."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'mailroom.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("fresh_postgres")
    database, settings = Database(url), Settings(data_dir=tmp_path / "data")
    await upgrade(database)
    yield Trail(database, settings, Sealer(database, settings))
    await database.close()
