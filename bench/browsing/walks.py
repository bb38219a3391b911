"""Walk through the pages as people do: with keys alone, or with a mouse."""

from __future__ import annotations

from bench.browsing.keyboard import Keyboard
from bench.browsing.mouse import Mouse


async def create(keys: Keyboard, report: str, to: str, *, frequency: str = "") -> None:
    """Make a schedule from the home page through all five steps, and activate it; its page is there at the end.

    Args:
        report: the beginning of the report's title.
        to: who gets it, by mail.
        frequency: the name of a frequency that needs nothing else; the one that is proposed (Mondays, 09:00), if empty.
    """
    await keys.activate("^New schedule")
    await keys.choose("Report:", report)
    await keys.activate("^Continue")
    if frequency:
        await keys.choose("How often:", frequency)
    await keys.activate("^Continue")
    await keys.activate("^Continue")
    await keys.activate("^Add a")
    await keys.choose("The kind of destination", "E-mail")
    await keys.activate("^Add$")
    await keys.to("^To$")
    await keys.write(to)
    await keys.activate("^Continue")
    await keys.activate("^Activate")


async def create_by_mouse(mouse: Mouse, report: str, to: str) -> None:
    """Make the same schedule with a mouse, typing only the address; its page is there at the end."""
    await mouse.activate("^New schedule")
    await mouse.choose(f"^{report}")
    for _ in ("report", "frequency", "parameters"):
        await mouse.activate("^Continue")
    await mouse.activate("^Add a")
    await mouse.choose("^E-mail")
    await mouse.activate("^Add$")
    await mouse.write("To", to)
    await mouse.activate("^Continue")
    await mouse.activate("^Activate")
