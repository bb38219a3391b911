"""Keep what the tests of an xdist group share until the last of them has run, instead of until the end of the run.

A server that nobody needs any more takes memory and a little CPU from the tests that follow in other processes.
Without xdist the tests of a group do not follow each other, so there everything lasts until the end of the run.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
_OPEN = ExitStack()
_SHARED: dict[str, Any] = {}


def shared(name: str, make: Callable[[], AbstractContextManager[T]]) -> T:
    """Return what the tests of the present group share under this name, started by `make` at the first call."""
    if name not in _SHARED:
        _SHARED[name] = _OPEN.enter_context(make())
    found: T = _SHARED[name]
    return found


def end_of(item: pytest.Item, following: pytest.Item | None) -> None:
    """End what a group shares, if the test that this process runs next is of another group."""
    if hasattr(item.config, "workerinput") and (following is None or _group(following) != _group(item)):
        end()


def end() -> None:
    """End everything that is shared, the latest first."""
    _SHARED.clear()
    _OPEN.close()


def _group(item: pytest.Item) -> str:
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark else ""
