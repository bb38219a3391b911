"""What is past its time goes, in small batches; what anybody needs stays."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from mailroom.access.service import ensure_default_user
from mailroom.rendering import cleaner
from mailroom.settings import Settings
from mailroom.storage import idempotency
from mailroom.storage.artifacts import SHELVES, ArtifactStore
from mailroom.storage.database import Database
from mailroom.storage.tables import Artifact, IdempotencyKey, Rendering

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OLD = NOW - 40 * DAY


class Stock:
    """A store and its tables, with things of any age in them."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database, self.settings = database, settings
        self.store = ArtifactStore(settings.artifacts_dir)

    def put(self, text: str, used: datetime) -> str:
        digest = self.store.put(text.encode())
        self.age(self.store.path(digest), used)
        return digest

    def age(self, path: Path, used: datetime) -> None:
        os.utime(path, (used.timestamp(), used.timestamp()))

    def has(self, digest: str) -> bool:
        return self.store.path(digest).exists()

    async def artifact(self, digest: str, expires: datetime) -> None:
        async with self.database.session() as session:
            session.add(
                Artifact(
                    sha256=digest,
                    filename="f.csv",
                    format="csv",
                    media_type="text/csv",
                    size=1,
                    created_at=OLD,
                    expires_at=expires,
                )
            )

    async def rendering(self, key: str, expires: datetime, **result: object) -> None:
        async with self.database.session() as session:
            row = Rendering(key=key, report_id="r", report_version="1", artifact_ids=[], result=result)
            row.created_at, row.expires_at = OLD, expires
            session.add(row)

    async def look_at_all(self) -> cleaner.Cleaned:
        """Give every shelf its turn, a minute after another."""
        every = cleaner.Cleaned()
        for minute in range(len(SHELVES)):
            found = await cleaner.clean(self.database, self.settings, now=NOW + timedelta(minutes=minute))
            every.files += found.files
            every.folders += found.folders
            every.renderings += found.renderings
            every.answers += found.answers
        return every


@pytest.fixture
def stock(tmp_path: Path, database: Database) -> Stock:
    return Stock(database, Settings(data_dir=tmp_path / "data", artifact_days=30))


async def test_old_files_go_and_those_that_somebody_needs_stay(stock: Stock) -> None:
    unneeded, expired, downloadable = (stock.put(text, OLD) for text in ("unneeded", "expired", "downloadable"))
    body, picture = stock.put("body", OLD), stock.put("picture", OLD)
    young = stock.put("young", NOW - 30 * DAY)
    await stock.artifact(expired, NOW - DAY)
    await stock.artifact(downloadable, NOW + DAY)  # Made when files were kept for longer.
    await stock.rendering("kept", NOW + DAY, mail_html=body, mail_text=body, mail_images={"logo": picture})

    assert (await stock.look_at_all()).files == 2
    assert [stock.has(one) for one in (unneeded, expired)] == [False, False]
    assert [stock.has(one) for one in (downloadable, body, picture, young)] == [True] * 4


async def test_a_file_that_is_used_again_becomes_young(stock: Stock) -> None:
    put, taken = stock.put("put", OLD), stock.put("taken", OLD)
    stock.store.put(b"put")
    source = stock.settings.data_dir / "source"
    source.write_bytes(b"taken")
    stock.store.take(source, taken)
    assert (await stock.look_at_all()).files == 0
    assert stock.has(put)
    assert stock.has(taken)


def test_a_file_that_was_used_since_the_look_is_not_removed(stock: Stock) -> None:
    digest = stock.put("x", OLD)
    assert stock.store.old_files(digest[:2], before=NOW, limit=10) == [digest]
    stock.store.put(b"x")
    assert not stock.store.remove(digest, before=NOW - 31 * DAY)
    assert stock.store.read(digest) == b"x"
    assert not stock.store.remove(hashlib.sha256(b"y").hexdigest(), before=NOW)


async def test_what_died_half_way_goes_and_what_works_stays(stock: Stock) -> None:
    shelf = stock.store.path(stock.put("x", NOW)).parent
    paths = []
    for name, used in (("dead", NOW - 2 * DAY), ("alive", NOW)):
        staged, rendering, preview = (
            shelf / f".{name}",
            stock.settings.artifacts_dir / f"render-{name}",
            stock.settings.data_dir / "previews" / f"tmp{name}",
        )
        staged.write_bytes(b"half")
        for folder in (rendering, preview):
            folder.mkdir(parents=True)
            (folder / "half").write_bytes(b"half")
        for path in (staged, rendering, preview):
            stock.age(path, used)
            paths.append(path)

    found = await stock.look_at_all()
    assert (found.files, found.folders) == (1, 2)
    assert [path.exists() for path in paths] == [False] * 3 + [True] * 3


async def test_old_renderings_and_answers_go_in_batches(stock: Stock) -> None:
    async with stock.database.session() as session:
        owner = await ensure_default_user(session, NOW, stock.settings)
        for number in range(600):
            key = IdempotencyKey(key=f"k{number}", user_id=owner.id, request_hash="h")
            key.created_at = NOW - idempotency.KEPT - timedelta(seconds=1)
            session.add(key)
        fresh = IdempotencyKey(key="fresh", user_id=owner.id, request_hash="h", created_at=NOW - timedelta(hours=23))
        session.add(fresh)
    await stock.rendering("expired", NOW - 2 * DAY)
    await stock.rendering("just expired", NOW - timedelta(hours=1))

    first = await cleaner.clean(stock.database, stock.settings, now=NOW)
    second = await cleaner.clean(stock.database, stock.settings, now=NOW)
    assert (first.answers, second.answers) == (500, 100)
    assert (first.renderings, second.renderings) == (1, 0)
    async with stock.database.session() as session:
        assert list(await session.scalars(select(IdempotencyKey.key))) == ["fresh"]
        assert list(await session.scalars(select(Rendering.key))) == ["just expired"]
