"""Fixtures that several parts share: real databases, real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from reports.database import Database
from reports.migrations import upgrade


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A migrated SQLite database of its own."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'mailroom.db'}")
    await upgrade(database)
    yield database
    await database.close()
