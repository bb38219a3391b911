"""From a report to a mail in the catcher, by keyboard alone."""

from __future__ import annotations

import asyncio

from bench.browsing import walks
from bench.browsing.keyboard import Keyboard
from tests.browser.conftest import Person
from tests.support.system import System
from tests.support.waiting import eventually


async def test_from_a_report_to_a_mail_by_keyboard_alone(person: Person, system: System) -> None:
    async with person("creator") as window:
        await window.page.goto("/schedules")
        keys = Keyboard(window.page)
        await walks.create(keys, "Carrier punctuality", "keys-alone@example.com", frequency="Now")
        assert "/schedules/" in window.page.url

        async def mail() -> dict[str, object] | None:
            found = await asyncio.to_thread(system.mails)
            return next((one for one in found if one["recipients"] == ["keys-alone@example.com"]), None)

        arrived = await eventually(mail, 90)
        files = await asyncio.to_thread(system.attachments, arrived)
        assert set(files) == {"carrier-punctuality.pdf"}
        assert files["carrier-punctuality.pdf"].startswith(b"%PDF-")
