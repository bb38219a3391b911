"""From a report to a mail in the catcher, by keyboard alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bench.browsing.keyboard import Keyboard
from tests.browser.conftest import Person
from tests.support.system import System
from tests.support.waiting import eventually


async def test_wizard_to_mail_by_keyboard_alone(person: Person, system: System) -> None:
    async with person("creator") as window:
        keys = Keyboard(window.page)
        await window.page.goto("/schedules")
        await keys.activate("^New schedule")
        await keys.choose("Report:", "Carrier punctuality")
        await keys.activate("^Continue")
        due = (datetime.now(UTC) + timedelta(minutes=2)).replace(second=0, microsecond=0)
        await keys.choose("How often", "^.*Cron")
        await keys.to("Cron expression")
        await keys.write(f"{due.minute} {due.hour} * * *")
        await keys.activate("^Continue")
        await keys.activate("^Continue")
        print(keys.trail)
        await eventually(lambda: system.mails(), 1)
