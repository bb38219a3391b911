"""A person with a mouse who types: one thing after the other, as quickly as they decide and type."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from playwright.async_api import Page


@dataclass
class Mouse:
    """The mouse and the keys of one person.

    Attributes:
        key_seconds: how long a typed character takes.
        decision_seconds: how long the person thinks before each thing that is done.
    """

    page: Page
    key_seconds: float = 0.0
    decision_seconds: float = 0.0
    decisions: int = 0
    keys: int = 0

    async def decide(self) -> None:
        """Think about what to do next."""
        self.decisions += 1
        await asyncio.sleep(self.decision_seconds)

    async def choose(self, option: str) -> None:
        """Click a radio button whose name matches this pattern."""
        await self.decide()
        await self.page.get_by_role("radio", name=re.compile(option)).first.check()

    async def write(self, field: str, text: str) -> None:
        """Click into a field, and type."""
        await self.decide()
        await self.page.get_by_role("textbox", name=field, exact=True).click()
        for letter in text:
            self.keys += 1
            await self.page.keyboard.type(letter)
            await asyncio.sleep(self.key_seconds)

    async def activate(self, name: str) -> None:
        """Click a link or a button whose name matches this pattern; the next page is there afterwards."""
        await self.decide()
        before, pattern = self.page.url, re.compile(name)
        found = self.page.get_by_role("button", name=pattern).or_(self.page.get_by_role("link", name=pattern))
        await found.first.click()
        await self.page.wait_for_url(lambda url: url != before)
        await self.page.wait_for_load_state()
