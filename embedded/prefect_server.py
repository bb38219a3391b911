"""`python -m embedded.prefect_server server start …`: Prefect's own command, with two of its costs taken away.

On SQLite, Prefect opens its transactions DEFERRED: they read first, and when another one commits before they write,
SQLite refuses them at once. The server then answers 503 and its client comes back after 2, 4, 8 … seconds, so 100
deployments made 8 at a time took 61 s with both cores idle. Here each transaction waits for the one before it and
begins IMMEDIATE: no refusal, 15 s. On Postgres nothing is changed.

Prefect also lists all time zones anew for each cron that it reads or answers with: 40 % of its time when 10,000
deployments are looked through. Here they are listed once; zones do not come and go while a server runs.

The one place that touches these parts of Prefect; a test guards each.
"""

from __future__ import annotations

import asyncio
import functools
import os
import runpy
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from weakref import WeakKeyDictionary

from prefect._internal.schemas import validators
from prefect.server.database.configurations import SQLITE_BEGIN_MODE, AioSqliteConfiguration
from prefect.types._datetime import get_timezones
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction

from mailroom.setting_groups import secrets_elsewhere

_KEY = "PREFECT_SERVER_ENCRYPTION_KEY"

_PATIENCE_SECONDS = 60
"""Prefect's own busy timeout: whoever waits longer goes on as Prefect would, and SQLite decides."""

_stock = AioSqliteConfiguration.begin_transaction
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
_inside: ContextVar[bool] = ContextVar("mailroom_inside_transaction", default=False)


@asynccontextmanager
async def _in_turn(
    self: AioSqliteConfiguration, session: AsyncSession, with_for_update: bool = False
) -> AsyncIterator[AsyncSessionTransaction]:
    turn = _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())
    # A transaction inside another would wait for itself.
    if _inside.get() or not await _acquired(turn):
        async with _stock(self, session, with_for_update) as transaction:
            yield transaction
        return
    try:
        inside = _inside.set(True)
        try:
            async with session.begin() as transaction:
                # Begun here, so that nothing started within inherits the mode and locks in order to read.
                mode = SQLITE_BEGIN_MODE.set("IMMEDIATE")
                try:
                    await session.connection()
                finally:
                    SQLITE_BEGIN_MODE.reset(mode)
                yield transaction
        finally:
            _inside.reset(inside)
    finally:
        turn.release()


async def _acquired(turn: asyncio.Lock) -> bool:
    try:
        await asyncio.wait_for(turn.acquire(), _PATIENCE_SECONDS)
    except TimeoutError:
        return False
    return True


def write_in_turn() -> None:
    """Let every transaction of this process on SQLite wait for the one before it."""
    AioSqliteConfiguration.begin_transaction = _in_turn  # type: ignore[method-assign]  # the purpose of this module


def list_time_zones_once() -> None:
    """Keep the names of the time zones."""
    setattr(validators, "get_timezones", functools.cache(get_timezones))  # noqa: B010  Not public there to mypy.


def read_key_from_file() -> None:
    """Let the key of blocks come from the file that PREFECT_SERVER_ENCRYPTION_KEY_FILE names, or from a reference.

    Raises:
        ConfigurationError: it cannot be read.
    """
    if (key := secrets_elsewhere.read(_KEY)) is not None:
        os.environ[_KEY] = key


def end_in_order_when_told() -> None:
    """Let SIGTERM do what Ctrl-C does, even where a script that started this ignores SIGINT.

    Prefect's background services would otherwise end in the middle of what they do. The API server has its own way.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda _number, _frame: signal.raise_signal(signal.SIGINT))


if __name__ == "__main__":
    read_key_from_file()
    end_in_order_when_told()
    write_in_turn()
    list_time_zones_once()
    runpy.run_module("prefect", run_name="__main__", alter_sys=True)
