"""`mailroom read-only on|off`, and without either whether it is. It works on the database itself."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from cyclopts import App

from cli.database import our_database, who
from cli.operator.backup import say
from mailroom.settings import current

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

app = App(name="read-only", help="Let people only look, and nothing be sent.", help_format="plaintext")
T = TypeVar("T")


@app.command
def on(*, reason: str) -> None:
    """Refuse every change through the API and the pages, and stop everything from leaving.

    Every process follows within seconds; none has to be started again. What is due meanwhile waits.

    Parameters
    ----------
    reason
        Why; everybody reads it on the pages.
    """
    from mailroom.stops import service

    stop, is_new = _with_session(
        lambda session: service.begin_read_only(session, reason, by=who(), now=datetime.now(UTC))
    )
    say("Mailroom is read-only now." if is_new else f"Mailroom is read-only already: {stop.reason}")
    say("Looking around and logging in work; changes are refused, and nothing is sent.")


@app.command
def off() -> None:
    """Take changes again, and let go what waited. Other stops stay."""
    from mailroom.stops import service

    was = _with_session(lambda session: service.end_read_only(session, by=who(), now=datetime.now(UTC)))
    say("Changes are taken again, and what waited goes on." if was else "Mailroom is not read-only.")
    if current().read_only:
        say(
            "MAILROOM_READ_ONLY is set here: each API process that has it goes on refusing, until it starts without it."
        )


@app.default
def status() -> None:
    """Say whether Mailroom is read-only. The exit status is 1 if it is."""
    from mailroom.stops import service

    stop = _with_session(service.read_only_stop)
    if stop is None:
        say("Mailroom takes changes.")
        return
    at = stop.stopped_at.astimezone(UTC)
    say(f"Mailroom is read-only since {at:%Y-%m-%d %H:%M:%S} UTC, by {stop.stopped_by}: {stop.reason}")
    sys.exit(1)


def _with_session(act: Callable[[AsyncSession], Awaitable[T]]) -> T:
    async def run() -> T:
        database = await our_database(current())
        try:
            return await database.transact(act)
        finally:
            await database.close()

    return asyncio.run(run())
