"""Remove each guard once and see that a test turns red: `make guards` (ARGS= names some of them)."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from scripts.guards.every import EVERY_GUARD
from scripts.guards.guards import Guard
from scripts.guards.removal import Copy

_say = Console(soft_wrap=True, markup=False).print


def main(names: list[str]) -> int:
    """Return 0 where the tests are green with every guard and red without any one of them."""
    chosen = [guard for guard in EVERY_GUARD if not names or guard.name in names]
    if unknown := set(names) - {guard.name for guard in EVERY_GUARD}:
        known = ", ".join(guard.name for guard in EVERY_GUARD)
        _say(f"There is no guard {', '.join(sorted(unknown))}. There are: {known}.")
        return 2
    with tempfile.TemporaryDirectory(prefix="mailroom-guards-") as folder:
        copy = Copy(Path(folder))
        tests = sorted({test for guard in chosen for test in guard.tests})
        _say(f"With every guard: running {len(tests)} tests or files of them …")
        if red := copy.failures(tests, stop_at_first=False):
            _say(f"Not green to begin with, so nothing can be shown: {', '.join(red)}")
            return 1
        unwatched = [
            guard for number, guard in enumerate(chosen, start=1) if not _watched(copy, guard, number, len(chosen))
        ]
    if unwatched:
        _say(f"No test turned red without: {', '.join(guard.name for guard in unwatched)}.")
        return 1
    _say(f"Each of the {len(chosen)} guards is watched by a test.")
    return 0


def _watched(copy: Copy, guard: Guard, number: int, of: int) -> bool:
    began = time.monotonic()
    with copy.without(guard):
        red = copy.failures(guard.tests, stop_at_first=True)
    seen = f"red: {red[0]}" if red else "GREEN"
    _say(f"{number}/{of} {guard.name} ({time.monotonic() - began:.0f} s): {seen}")
    return bool(red)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
