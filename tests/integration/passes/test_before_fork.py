"""What every run needs is prepared once, whatever the keys of the tables are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from mailroom.passes.before_fork import prepare


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_every_table_can_be_asked_for_a_row_that_does_not_exist(
    kind: str, migrated_url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILROOM_DATABASE_URL", migrated_url(kind))
    await asyncio.to_thread(prepare)
