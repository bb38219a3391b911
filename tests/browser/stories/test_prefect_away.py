"""Prefect does not answer: the pages work, say so, and keep what is asked for."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bench.browsing.chromium import Window
from bench.browsing.pages import addresses
from bench.browsing.stage import Stage, staged
from mailroom.roles import Role
from mailroom.settings import Settings
from mailroom.states import ScheduleState, SyncState
from mailroom.storage.tables import Schedule
from tests.browser.stories.making import press
from tests.browser.test_wizard import whole
from tests.support.browser import watched
from tests.support.prefect import NOBODY_LISTENS
from tests.support.system import System


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def away(system: System) -> AsyncIterator[Stage]:
    """The pages over a month of samples while nobody listens where Prefect should be."""
    settings = Settings.model_validate(
        {"data_dir": system.folder, **{name.lower(): port for name, port in system.ports.items()}}
    )
    async with staged(settings, samples=True, prefect=NOBODY_LISTENS) as stage:
        # The loop that notices it does not run on a stage; one look is what it would take.
        await stage.app.state.services.reconciler.repair(seconds=1)
        yield stage


async def enter(window: Window, stage: Stage, role: Role) -> Page:
    """Be the person of this role."""
    await window.be(stage.secrets[role])
    return window.page


async def stored(stage: Stage, schedule_id: str) -> Schedule:
    """Return a schedule as it is stored."""
    async with stage.database.session() as session:
        found = await session.get(Schedule, schedule_id)
        assert found is not None
        return found


async def test_the_list_and_a_schedule_say_so(away: Stage, chromium: Browser) -> None:
    made = (await addresses(away))["schedule"]
    async with watched(chromium, away.url) as window:
        page = await enter(window, away, Role.ADMIN)
        for path in ("/schedules", f"/schedules/{made}", f"/schedules/{made}/run"):
            answer = await page.goto(path)
            assert answer is not None
            assert answer.status == 200
            await expect(page.get_by_role("main")).to_contain_text("Prefect is not answering")


async def test_a_pause_is_kept_for_later(away: Stage, chromium: Browser) -> None:
    made = (await addresses(away))["schedule"]
    async with watched(chromium, away.url) as window:
        page = await enter(window, away, Role.ADMIN)
        await page.goto(f"/schedules/{made}")
        await press(page, "Pause")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Paused")
        kept = await stored(away, made)
        assert kept.state is ScheduleState.PAUSED
        assert kept.sync_state is SyncState.PENDING, "Prefect is told when it answers"
        await press(page, "Resume")
        assert (await stored(away, made)).state is ScheduleState.ACTIVE


async def test_from_the_first_step_to_activation(away: Stage, chromium: Browser) -> None:
    async with watched(chromium, away.url) as window:
        page = await enter(window, away, Role.CREATOR)
        await whole(page, "while-away@example.com")
        await page.get_by_role("button", name=re.compile("^Activate")).click()
        await page.wait_for_url(re.compile(r"/schedules/[0-9a-f-]{36}"))
        await expect(page.get_by_role("main")).to_contain_text("Prefect")
        found = await stored(away, page.url.rsplit("/", 1)[1].partition("?")[0])
        assert found.state is ScheduleState.ACTIVE
        assert found.sync_state is SyncState.PENDING
