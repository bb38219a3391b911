"""Runs the parts one after the other. One that ends early reports what it has, and the next begins all the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import httpx

from bench.peak import result
from bench.peak.result import EARLY
from bench.peak.stack import Stack
from bench.peak.waiting import EndedEarly, say

Found = dict[str, Any]
# A call that nothing answers is as late as a wait that nothing ends.
_LATE = (EndedEarly, httpx.TimeoutException)


def one(found: Found, name: str, measure: Callable[[], Mapping[str, Any]]) -> Found:
    """Run one part, and return what was found with its figures."""
    began = time.monotonic()
    try:
        figures = dict(measure())
    except _LATE as late:
        figures = {EARLY: _reason(late)}
    if figures.get(EARLY):
        figures[EARLY] = f"after {time.monotonic() - began:.0f} s: {figures[EARLY]}"
        say(f"{name} ENDED EARLY {figures[EARLY]}")
    return result.with_part(found, name, figures)


def on_stacks(
    found: Found,
    parts: Mapping[str, Callable[[Stack], Mapping[str, Any]]],
    opening: Callable[[str], AbstractContextManager[Stack]],
    keep: Callable[[Found], object] = result.write,
) -> Found:
    """Run parts on one stack. A part that ends early leaves work behind, so the next gets a new stack.

    Args:
        opening: starts a stack for a part, and those after it.
        keep: is given what was found after each part.
    """
    waiting = list(parts)
    while waiting:
        first = waiting[0]
        began = time.monotonic()
        try:
            with opening(first) as stack:
                while waiting:
                    name = waiting.pop(0)
                    measure = parts[name]
                    found = one(found, name, lambda: measure(stack))  # noqa: B023  called at once
                    keep(found)
                    if name in found[EARLY]:
                        break
        except _LATE as late:  # The stack did not come up; a part's own lateness is in its figures.
            waiting.remove(first)
            found = result.with_part(found, first, {EARLY: f"after {time.monotonic() - began:.0f} s: {_reason(late)}"})
            keep(found)
    return found


def _reason(late: BaseException) -> str:
    return str(late) if isinstance(late, EndedEarly) else f"a call was not answered ({type(late).__name__})"
