"""Work pools of the real Prefect server of this test run, with real warm workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prefect.client.orchestration import PrefectClient

from tests.support import groups
from tests.support.work_pool import WorkPool, opened


@pytest.fixture
async def work_pool(prefect_server: str, tmp_path: Path) -> AsyncIterator[WorkPool]:
    """Make a work pool for one test, without a worker yet."""
    async with opened(prefect_server, tmp_path) as work_pool:
        yield work_pool


@pytest.fixture
def session_work_pool(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> WorkPool:
    """Make a work pool with one worker for the tests of several files: a worker takes seconds to start."""
    return groups.shared("work pool", lambda: _opened(WorkPool(prefect_server, tmp_path_factory.mktemp("work-pool"))))


@contextmanager
def _opened(work_pool: WorkPool) -> Iterator[WorkPool]:
    async def open_() -> None:
        async with PrefectClient(work_pool.api) as client:
            work_pool.client = client
            await work_pool.open()

    asyncio.run(open_())
    work_pool.start(limit=3)
    yield work_pool
    asyncio.run(work_pool.close())


@pytest.fixture
async def shared_pool(session_work_pool: WorkPool) -> AsyncIterator[WorkPool]:
    """Return the shared work pool with a client of this test's event loop."""
    async with PrefectClient(session_work_pool.api) as client:
        session_work_pool.client = client
        yield session_work_pool
