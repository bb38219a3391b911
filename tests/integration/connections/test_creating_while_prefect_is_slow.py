"""Whoever creates a connection of the system leaves the database to others while Prefect is asked."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from mailroom.access.service import ensure_default_user
from mailroom.connections import service as connections
from mailroom.connections.spec import NewConnection
from mailroom.context import Context
from mailroom.errors import Unavailable
from mailroom.settings import Settings
from mailroom.storage.database import Database
from tests.support.prefect import NOBODY_LISTENS
from tests.support.wire import intercepted


async def test_nobody_waits_for_the_write_lock_meanwhile(database: Database, tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "prefect_api_url": NOBODY_LISTENS})
    now = datetime.now(UTC)
    async with database.session() as session:
        owner = await ensure_default_user(session, now, settings)
    written = []

    async def answer(request: httpx.Request) -> httpx.Response:
        with sqlite3.connect(tmp_path / "mailroom.db", timeout=0) as other:
            written.append(other.execute("UPDATE users SET name = name").rowcount)
        other.close()
        return httpx.Response(500, json={}, request=request)

    wanted = NewConnection(name="shared", kind="folder", settings={"root": str(tmp_path)})
    with intercepted(answer), pytest.raises(Unavailable):
        async with database.session() as session:
            await connections.create(session, wanted, Context(user=owner, now=now, settings=settings))
    assert written
    assert set(written) == {1}
