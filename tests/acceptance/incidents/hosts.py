"""Faults of a host: an API process of another host has a wrong clock, or another folder of rendered files."""

from __future__ import annotations

import time
from pathlib import Path

from tests.acceptance.incidents.book import TO_OPERATORS
from tests.acceptance.incidents.parts import SecondApi
from tests.acceptance.incidents.story import Story
from tests.support import wrong_clock

SKEW = 42
"""More seconds than the clocks of hosts may differ by."""


def with_wrong_clock(api: SecondApi, folder: Path) -> Story:
    """Return the story of a host whose clock is wrong; its process is started again with a clock that is right."""
    fault = f"the clock of a host is {SKEW} s ahead of the database's (faketime); then it agrees"
    return _story("clock_wrong", api, "far-away", wrong_clock.variables(SKEW, folder / "faketime"), fault)


def with_another_folder(api: SecondApi, folder: Path) -> Story:
    """Return the story of a host where the share is not mounted; its process is started again when it is."""
    fault = "a host has an empty folder in place of the shared one of rendered files; then it has the shared one"
    return _story("artifacts_wrong", api, "elsewhere", {"MAILROOM_ARTIFACTS_FOLDER": str(folder / "share")}, fault)


def _story(kind: str, api: SecondApi, host: str, wrong: dict[str, str], fault: str) -> Story:
    def start_wrong() -> float:
        api.start(MAILROOM_HOST_NAME=host, **wrong)
        api.wait()
        return time.monotonic()

    def start_right() -> None:
        api.end()
        api.start(MAILROOM_HOST_NAME=host)
        api.wait()

    return Story(kind, lambda: host, start_wrong, start_right, TO_OPERATORS, fault=fault)
