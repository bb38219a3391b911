"""Compile each statement once in a process of the suite, and not once for each database that a test makes.

SQLAlchemy keeps what it has compiled for each engine. A program has one engine; a process of the suite makes thousands,
and compiling took a tenth of its time and more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import LRUCache

from mailroom.storage import database


class _Shared(LRUCache[Any, Any]):
    """Statements by what they are and by the kind of database, whichever engine they were compiled for."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_of_kind(key), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(_of_kind(key), compiled)


def _of_kind(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *statement = key
    return type(dialect), *statement


@contextmanager
def compiled_once() -> Iterator[None]:
    """Let all databases that are opened in the block share what was compiled."""
    shared = _Shared(2_000)

    def create_sharing(url: str, **options: Any) -> AsyncEngine:
        engine = create_async_engine(url, **options)
        engine.sync_engine.update_execution_options(compiled_cache=shared)
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "create_async_engine", create_sharing)
        yield
