"""Let Postgres and its clients notice within seconds that the other end is gone without a word.

A host that is cut off or has no power ends no connection. By default Postgres keeps the transaction of such a client
for two hours, and with it every lock, and a client waits a quarter of an hour for such a server. See
https://www.postgresql.org/docs/current/runtime-config-connection.html#RUNTIME-CONFIG-TCP-SETTINGS.
"""

from __future__ import annotations

import socket
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection
from sqlalchemy.pool import ConnectionPoolEntry

IDLE, INTERVAL, COUNT = 10, 5, 2
"""Seconds of silence until the other end is asked whether it is there, between such questions, and their number."""
NOTICED_WITHIN = IDLE + INTERVAL * COUNT
"""Seconds; shorter than a lease, so that nobody waits for the locks of a host after its leases have ended."""
# By SET, not when connecting: PgBouncer refuses such parameters there.
_OF_SERVER = (
    f"SET tcp_keepalives_idle = {IDLE}; SET tcp_keepalives_interval = {INTERVAL}; SET tcp_keepalives_count = {COUNT}; "
    f"SET tcp_user_timeout = {NOTICED_WITHIN * 1000}"
)
# Linux has all of them, other systems some.
_OF_CLIENT = {
    "TCP_KEEPIDLE": IDLE,
    "TCP_KEEPINTVL": INTERVAL,
    "TCP_KEEPCNT": COUNT,
    "TCP_USER_TIMEOUT": NOTICED_WITHIN * 1000,
}


def watch(engine: Engine) -> None:
    """Have every new connection of the engine notice it, on both sides."""
    event.listen(engine, "connect", _tune)


def _tune(connection: AsyncAdapt_asyncpg_connection, _entry: ConnectionPoolEntry) -> None:
    connection.run_async(_tuned)


async def _tuned(connection: Any) -> None:
    # asyncpg, which has no types, gives its socket to nobody, and has no setting for these.
    ours = connection._transport.get_extra_info("socket")
    if ours.family == socket.AF_UNIX:
        return
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OF_CLIENT.items():
        if (option := getattr(socket, name, None)) is not None:
            ours.setsockopt(socket.IPPROTO_TCP, option, value)
    await connection.execute(_OF_SERVER)
