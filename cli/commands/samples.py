"""`mailroom samples`."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

from cyclopts import App

from cli.database import our_database
from cli.output import out
from mailroom.settings import Settings, current

if TYPE_CHECKING:
    from mailroom.storage.tables import User

app = App(name="samples", help="Add sample schedules with a month of history, or remove them.", help_format="plaintext")


@app.command
def add() -> None:
    """Add sample schedules with a month of history, marked as samples; needs the sample reports and connections."""
    count = asyncio.run(add_samples(current()))
    out.print(f"Added {count} sample schedules." if count else "The sample schedules are there already.")


@app.command
def remove() -> None:
    """Remove the sample schedules and all that happened to them."""
    count = asyncio.run(_remove(current()))
    out.print(f"Removed {count} sample schedules and their history." if count else "There are no sample schedules.")


async def add_samples(settings: Settings) -> int:
    """Add the samples; return how many, 0 where they are there already. Their owners are the people of the demo."""
    from embedded.sample_history.write import write

    database = await our_database(settings)
    now = database.now()
    try:
        async with database.session() as session:
            owners = {role: await _owner(session, role, settings, now) for role in ("creator", "admin")}
            return len(await write(session, settings, owners, now=now))
    finally:
        await database.close()


async def _remove(settings: Settings) -> int:
    from embedded.sample_history.remove import remove as take_away
    from mailroom.access.service import ensure_default_user
    from mailroom.context import Context

    database = await our_database(settings)
    now = database.now()
    try:
        async with database.session() as session:
            owner = await ensure_default_user(session, now, settings)
            return await take_away(session, Context(owner, now, settings))
    finally:
        await database.close()


async def _owner(session: object, role: str, settings: Settings, now: datetime) -> User:
    from sqlalchemy import select
    from sqlalchemy.ext.asyncio import AsyncSession

    from mailroom.access.service import ensure_default_user
    from mailroom.storage.tables import User

    assert isinstance(session, AsyncSession)
    found = (await session.scalars(select(User).where(User.external_id == f"demo-{role}"))).one_or_none()
    return found or await ensure_default_user(session, now, settings)
