"""The whole system as a user starts it, and people with real browsers at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from bench.browsing import chromium as chromes
from bench.browsing.chromium import Window
from tests.support import groups
from tests.support.browser import chromium_path, watched
from tests.support.system import System

_ROOM = "tests/browser/"
Person = Callable[..., AbstractAsyncContextManager[Window]]
_COUNTED = ("SCHEDULES", "RUNS_AN_HOUR", "BACKFILLS_AN_HOUR", "TESTS_AN_HOUR", "PREVIEWS_AN_HOUR")
UNLIMITED = {f"MAILROOM_LIMITS__{name}": "unlimited" for name in _COUNTED}
"""One person does in a minute here what people do in days."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests of this room share one process, one event loop, one system and one browser."""
    for item in items:
        if _ROOM in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Start Chromium once for this room."""
    async with chromes.chromium(chromium_path()) as browser:
        yield browser


@contextmanager
def _running(folder: Path) -> Iterator[System]:
    system = System(folder, UNLIMITED)
    with system.up():
        yield system


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> System:
    """Start everything once for this room: Prefect, API, worker, mail catcher."""
    chromium_path()  # Skips before anything is started.
    return groups.shared("system", lambda: _running(tmp_path_factory.mktemp("browser") / "data"))


@pytest.fixture
def person(chromium: Browser, system: System) -> Person:
    """Return what opens a window for a person: `async with person("creator", theme="dark") as visit:`."""

    @asynccontextmanager
    async def open_window(role: str = "creator", **arguments: Any) -> AsyncIterator[Window]:
        async with watched(chromium, system.api_root, **arguments) as found:
            if role:
                await found.log_in(system.link(role))
            yield found

    return open_window
