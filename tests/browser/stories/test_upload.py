"""A large file on its way to a bucket: the page of its run shows how far it is, and at the end the receipt."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.stories.making import ALL, schedule
from tests.support.remote.proxy import network_to
from tests.support.s3 import servers
from tests.support.system import System
from tests.support.waiting import eventually

CELL, ROWS = 1_000_000, 200
QUERY = f"""WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {ROWS})
SELECT number, hex(zeroblob({CELL // 2})) AS filler FROM numbers"""
REPORT = {
    "id": "two-hundred-megabytes",
    "title": "Two hundred megabytes",
    "source": {"kind": "sql", "connection": "flights", "queries": {"rows": QUERY}},
    "sections": [{"kind": "table", "query": "rows"}],
    "formats": ["csv"],
}


async def sent(page: Page) -> int:
    """Return what the bar on the page says; 0 where there is none."""
    bars = page.locator("progress")
    return int(await bars.first.get_attribute("value") or 0) if await bars.count() else 0


@pytest.mark.skipif(not ALL, reason="It moves 200 MB, and is walked by make test-pages.")
async def test_a_large_upload_is_followed_on_its_page(person: Person, system: System, tmp_path: Path) -> None:
    with servers.rclone(tmp_path) as store:
        async with network_to(store.port) as network, person("admin") as window:
            network.delay = 0.03
            settings = {**store.settings, "endpoint": f"https://127.0.0.1:{network.port}"}
            body = {"name": "large-bucket", "kind": "s3", "settings": settings}
            await asyncio.to_thread(system.api, "POST", "/connections", body, status=201)
            await asyncio.to_thread(system.api, "POST", "/reports", REPORT, status=201)
            place = {"channel": "s3", "connection": "large-bucket", "path": "large.csv"}
            more = {"report_id": REPORT["id"], "destinations": [place]}
            made = await asyncio.to_thread(schedule, system, "A large one", owner="admin", **more)
            run = await asyncio.to_thread(system.api, "POST", f"/schedules/{made}/run", status=202)
            await window.page.goto(f"/executions/{run['id']}")

            seen: list[int] = []

            async def has_moved() -> bool:
                value = await sent(window.page)
                if value and value not in seen:
                    seen.append(value)
                return len(seen) >= 2

            await eventually(has_moved, 90, pause=0.1)
            assert seen == sorted(seen)
            network.delay = 0  # The rest is not worth the time.
            main = window.page.get_by_role("main")
            await expect(main).to_contain_text("s3://reports/large.csv", timeout=60_000)
            assert await window.page.locator("progress").count() == 0, "what has arrived needs no bar"
        [file] = (tmp_path / "root" / servers.BUCKET).iterdir()
        assert file.stat().st_size > CELL * ROWS
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        delivery = system.api("GET", f"/executions/{run['id']}")["deliveries"][0]
        assert delivery["receipt"]["detail"]["files"][0]["sha256"] == digest
