"""The connections that the samples need: mail to the catcher, files to a folder, the flights database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from embedded.bootstrap import flights_database
from mailroom.access.service import ensure_default_user
from mailroom.access.sharing import GrantedTo
from mailroom.access.viewer import SYSTEM
from mailroom.connections import checks, grants
from mailroom.connections import repository as connection_repository
from mailroom.connections import service as connections
from mailroom.connections.kinds import is_channel
from mailroom.connections.spec import ConnectionSettings, NewConnection
from mailroom.context import Context
from mailroom.roles import Role
from mailroom.settings import Settings
from mailroom.storage.database import Database

# Who changes one of these connections changes its description as well, and it stays as it is from then on.
OURS = "Made by `mailroom init`; kept in step with the embedded system while this description stands."


def wanted(settings: Settings) -> list[NewConnection]:
    """Return the embedded system's connections. Pure."""
    mail: dict[str, Any] = {
        "credentials": {"smtp_server": settings.host, "smtp_port": settings.mail_smtp_port, "smtp_type": "INSECURE"},
        "from_address": "reports@mailroom.example",
        "from_name": "Mailroom",
        "allow_plain": True,
        "max_per_second": None,  # It only catches mail on this machine.
    }
    return [
        NewConnection(name="local-mail", kind="email", description=OURS, settings=mail),
        NewConnection(
            name="local-folder",
            kind="folder",
            description=OURS,
            settings={"root": str(settings.data_dir / "delivered")},
        ),
        NewConnection(
            name="flights",
            kind="sql",
            description=OURS,
            settings={"url": f"sqlite:///{flights_database(settings)}"},
        ),
    ]


async def ensure(database: Database, settings: Settings, say: Callable[[str], None], *, wait: float = 0) -> None:
    """Make what is missing, bring what is ours in step with the ports and folders of this start, and check it.

    Args:
        wait: the seconds that the mail catcher, which starts at the same time, has to answer.
    """
    for connection in wanted(settings):
        async with database.session() as session:
            now = database.now()
            context = Context(user=await ensure_default_user(session, now, settings), now=now, settings=settings)
            row = (await connection_repository.named(session, [connection.name], viewer=SYSTEM)).get(connection.name)
            if row is None:
                await connections.create(session, connection, context)
                if is_channel(connection.kind):
                    # They reach this machine alone, so that everybody who may create schedules can try them.
                    await grants.replace(session, connection.name, GrantedTo(roles=[Role.CREATOR]), context)
                say(f"connection {connection.name}: created")
        if row is not None and row.description == OURS and row.kind == connection.kind:
            same = ConnectionSettings(kind=connection.kind, description=OURS, settings=connection.settings)
            await connections.replace(database, connection.name, same, context)
    await _check(database, settings, wait)


async def _check(database: Database, settings: Settings, wait: float) -> None:
    """Check ours unless it is known that they work, so that nobody who tries the samples is warned about them."""
    ours = [connection.name for connection in wanted(settings)]
    until = time.monotonic() + wait
    async with database.session() as session:
        rows = await connection_repository.named(session, ours, viewer=SYSTEM)
        now = database.now()
        context = Context(user=await ensure_default_user(session, now, settings), now=now, settings=settings)
    for row in (row for row in rows.values() if row.description == OURS and not row.last_check_ok):
        checked = await checks.of_connection(row, settings)
        while checked.error is not None and time.monotonic() < until:
            await asyncio.sleep(0.2)
            checked = await checks.of_connection(row, settings)
        await database.transact(partial(checks.record, row, checked, context))
