"""A window of the real Chromium in a test. A complaint of the console, such as about the policy, fails the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from bench.browsing.chromium import Window, find, window
from tests.support.programs import needs


def chromium_path() -> Path:
    """Return where Chromium is; without it the test is skipped, and in CI it fails."""
    return find() or needs("chromium", "chromium")


@asynccontextmanager
async def watched(browser: Browser, base_url: str, **arguments: Any) -> AsyncIterator[Window]:
    """Open a window of which the console must have nothing to complain of."""
    async with window(browser, base_url, **arguments) as found:
        yield found
        if found.complaints:
            pytest.fail("The console complained: " + "; ".join(found.complaints))
