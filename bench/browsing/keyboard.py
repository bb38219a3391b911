"""A person with a keyboard alone: only Tab, Shift+Tab, arrows, Space, Enter, Escape and typed text.

Where the focus is, is read as a person reads it off the screen; nothing is focused or clicked by a script.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

from playwright.async_api import Page

_FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return '';
  const named = (one.getAttribute('aria-labelledby') || '').split(' ')
    .map(id => document.getElementById(id)?.innerText || '').join(' ').trim();
  const labels = [...(one.labels || [])].map(label => label.innerText).join(' ').trim();
  const group = one.type === 'radio' ? (one.closest('fieldset')?.querySelector('legend')?.innerText || '') + ': ' : '';
  return (group + (one.getAttribute('aria-label') || named || labels || one.innerText || one.name || one.tagName))
    .replace(/\\s+/g, ' ').trim();
}"""
_MOST_TABS = 200


class Lost(AssertionError):
    """The focus never came to what was looked for."""


@dataclass
class Keyboard:
    """The keys of one person.

    Attributes:
        key_seconds: how long a key takes; 0.2 s for five a second.
        decision_seconds: how long the person thinks before each thing that is done.
    """

    page: Page
    key_seconds: float = 0.0
    decision_seconds: float = 0.0
    keys: int = 0
    decisions: int = 0
    trail: list[str] = field(default_factory=list)

    async def press(self, key: str) -> None:
        """Press one key."""
        self.keys += 1
        await self.page.keyboard.press(key)
        await asyncio.sleep(self.key_seconds)

    async def decide(self) -> None:
        """Think about what to do next."""
        self.decisions += 1
        await asyncio.sleep(self.decision_seconds)

    async def focused(self) -> str:
        """Return the name of what has the focus; a radio button's begins with that of its group."""
        name: str = await self.page.evaluate(_FOCUSED)
        return name

    async def to(self, name: str, *, back: bool = False) -> str:
        """Press Tab until what has the focus has a name that matches this pattern; return the name.

        Raises:
            Lost: it never did.
        """
        await self.decide()
        seen: list[str] = []
        for _ in range(_MOST_TABS):
            await self.press("Shift+Tab" if back else "Tab")
            now = await self.focused()
            if re.search(name, now):
                self.trail.append(now)
                return now
            seen.append(now)
        raise Lost(f"The focus never came to {name!r} on {self.page.url}. It was at: {seen[:60]}")

    async def choose(self, group: str, option: str) -> str:
        """Go to a group of radio buttons, and on by the arrow keys until this option has the focus and so is chosen.

        Raises:
            Lost: there is no such option.
        """
        await self.to(f"^{group}")
        seen: list[str] = []
        for _ in range(_MOST_TABS):
            now = await self.focused()
            if re.search(option, now):
                if not await self.page.evaluate("document.activeElement.checked"):
                    await self.press("Space")
                return now
            seen.append(now)
            await self.press("ArrowDown")
        raise Lost(f"There is no option {option!r} among {seen[:30]}")

    async def write(self, text: str) -> None:
        """Type over what is in the field that has the focus."""
        await self.press("Control+A")
        for letter in text:
            self.keys += 1
            await self.page.keyboard.type(letter)
            await asyncio.sleep(self.key_seconds)

    async def skip(self) -> None:
        """Skip the header of a page that has just come, as who goes by keys does."""
        await self.press("Tab")
        if await self.focused() == "Skip to the content":
            await self.press("Enter")

    async def activate(self, name: str, *, key: str = "Enter") -> None:
        """Go to a link or a button, and use it; the next page is there afterwards."""
        await self.to(name)
        before = self.page.url
        await self.press(key)
        await self.page.wait_for_url(lambda url: url != before)
        await self.page.wait_for_load_state()
        await self.skip()
