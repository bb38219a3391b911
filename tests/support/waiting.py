"""Waiting for conditions. No test sleeps to paper over a race: it says what it waits for, and for how long at most."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

import pytest

T = TypeVar("T")
_PAUSE = 0.1


@overload
async def eventually(
    look: Callable[[], Awaitable[T | None]], seconds: float = ..., told: Callable[[], str] = ..., *, pause: float = ...
) -> T: ...
@overload
async def eventually(
    look: Callable[[], object], seconds: float = ..., told: Callable[[], str] = ..., *, pause: float = ...
) -> object: ...
async def eventually(
    look: Callable[[], object], seconds: float = 30, told: Callable[[], str] = str, *, pause: float = _PAUSE
) -> object:
    """Return the first true value that `look` returns; fail with what `told` says when none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        value = await found if inspect.isawaitable(found) else found
        if value:
            return value
        if time.monotonic() >= deadline:
            pytest.fail(f"Nothing within {seconds:g} s. {told()}")
        await asyncio.sleep(pause)


def eventually_sync(
    look: Callable[[], T | None], seconds: float = 30, told: Callable[[], str] = str, *, pause: float = _PAUSE
) -> T:
    """Do the same as `eventually` where no event loop runs."""
    deadline = time.monotonic() + seconds
    while not (value := look()):
        if time.monotonic() >= deadline:
            pytest.fail(f"Nothing within {seconds:g} s. {told()}")
        time.sleep(pause)
    return value
