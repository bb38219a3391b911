"""axe finds nothing on any page, and no page is wider than its window.

`make test` looks at every second page; `make test-pages` (PAGES=all) looks at all of them in light, dark and on a
phone, full, empty and while Prefect is away.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from bench.browsing.chromium import DESK, PHONE, Theme
from bench.browsing.pages import LOOKS, Look, addresses, path_of
from bench.browsing.stage import Stage, staged
from mailroom.settings import Settings
from tests.support.browser import watched
from tests.support.prefect import NOBODY_LISTENS
from tests.support.system import System

ALL = os.environ.get("PAGES") == "all"
Stages = dict[str, tuple[Stage, dict[str, str]]]
STAGES = ("full", "empty", "away")
SHAPES: dict[str, tuple[Theme, int]] = {"light": ("light", DESK), "dark": ("dark", DESK), "phone": ("light", PHONE)}
CASES = [
    (stage, shape, look)
    for stage in STAGES
    for number, look in enumerate(LOOKS)
    for place, shape in enumerate(SHAPES)
    # The cut: every second page in one shape, and every eighth also empty and without Prefect.
    if ALL or (number % len(SHAPES) == place and number % (2 if stage == "full" else 8) == 0)
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stages(system: System, chromium: Browser) -> AsyncIterator[Stages]:
    """The pages over a month of samples, over nothing, and over samples while Prefect does not answer."""
    settings = Settings.model_validate(
        {"data_dir": system.folder, **{name.lower(): port for name, port in system.ports.items()}}
    )
    async with (
        staged(settings, samples=True) as full,
        staged(settings, samples=False) as empty,
        staged(settings, samples=True, prefect=NOBODY_LISTENS) as away,
    ):
        every = {"full": full, "empty": empty, "away": away}
        yield {name: (stage, await addresses(stage, chromium)) for name, stage in every.items()}


@pytest.mark.parametrize(("name", "shape", "look"), CASES, ids=lambda part: getattr(part, "name", part))
async def test_nothing_is_wrong(stages: Stages, chromium: Browser, name: str, shape: str, look: Look) -> None:
    (stage, ids), (theme, width) = stages[name], SHAPES[shape]
    path = path_of(look, ids)
    if path is None:
        assert name == "empty", "only an empty stage lacks what a look shows"
        return
    async with watched(chromium, stage.url, theme=theme, width=width) as window:
        if look.name != "login":
            await window.be(stage.secrets[look.role])
        await window.page.goto(path)
        assert await window.axe() == []
        assert await window.too_wide() == 0
