"""Check whether there is room for what is rendered."""

from __future__ import annotations

import asyncio

from mailroom.settings import Settings
from mailroom.storage.artifacts import free_mb
from mailroom.watching.checks.spec import Check, CheckName, State

_RELEASE = 1.1
"""Once room was short, there must be so much more than the least for it to be enough again."""


async def look(settings: Settings) -> Check:
    """Look how much room the data folder has."""
    try:
        free = await asyncio.to_thread(least_free, settings)
    except OSError as error:
        message = f"The data folder cannot be read ({type(error).__name__})."
        return Check(CheckName.DISK, State.PROBLEM, message, "Check MAILROOM_DATA_DIR and the rights of the folder.")
    return judge(free, settings)


def least_free(settings: Settings) -> int:
    """Return how many MiB are free in the data folder, or in the folder of the artifacts where that is less."""
    folders = {settings.data_dir, settings.artifacts_dir if settings.artifacts_folder else settings.data_dir}
    return min(map(free_mb, folders))


def judge(free: int, settings: Settings, *, was_low: bool = False) -> Check:
    """Return whether so many MiB are enough: rendering is refused below the least. Pure."""
    least, low = settings.min_free_mb, settings.disk_low_mb
    if free < least:
        message = f"Only {free:,} MB are free, and rendering needs at least {least:,} MB."
        return Check(CheckName.DISK, State.PROBLEM, message, "Free some space.")
    if free < low * (_RELEASE if was_low else 1):
        message = f"Only {free:,} MB are free. Rendering stops below {least:,} MB."
        return Check(CheckName.DISK, State.WARNING, message, "Free some space.")
    return Check(CheckName.DISK, State.OK, f"{free:,} MB free")
