"""A long rendering tells how far it is, to everybody who waits for it; a short one tells nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from mailroom.rendering import client
from mailroom.rendering.job import RenderJob
from mailroom.rendering.progress import Progress
from mailroom.settings import Settings

Make = Callable[..., RenderJob]
Stop = Callable[[], Awaitable[None]]
ROWS = 1_500_000


@pytest.fixture
def long_job(export_job: Make, tmp_path: Path) -> Callable[[str], RenderJob]:
    """Return a maker of a job whose source gives rows for a few seconds, into a folder."""
    path = tmp_path / "data.sqlite"
    sqlite3.connect(path).close()

    def make(folder: str) -> RenderJob:
        job = export_job("long", ("csv",), folder=folder, rows=ROWS)
        numbers = f"with recursive t(n) as (select 1 union all select n + 1 from t where n < {ROWS}) select n from t"
        source = {"kind": "sql", "connection": "c", "queries": {"rows": numbers}}
        definition = job.definition.model_validate({**job.definition.model_dump(), "source": source})
        access = {"kind": "sql", "url": f"sqlite:///{path}", "statement_timeout": 60}
        return job.model_copy(update={"definition": definition, "access": access})

    return make


async def test_two_who_wait_for_the_same_see_its_rows_come(
    service: Stop, settings: Settings, long_job: Callable[[str], RenderJob]
) -> None:
    told: list[list[Progress]] = [[], []]
    results = await asyncio.gather(
        *(client.render(long_job(str(n)), settings=settings, tell=told[n].append) for n in range(2))
    )
    for result, heard in zip(results, told, strict=True):
        assert result.files[0].rows == ROWS
        rows = [one.rows for one in heard]
        assert rows
        assert rows == sorted(rows)
        assert 0 < rows[0] < ROWS
        assert heard[0].files[0].format == "csv"
    assert len(told[0]) < 20  # About once a second, however many batches there are.


async def test_a_short_one_tells_nothing(service: Stop, settings: Settings, export_job: Make) -> None:
    told: list[Progress] = []
    await client.render(export_job(), settings=settings, tell=told.append)
    assert told == []
