"""Connections of urllib3 to permitted addresses only: every vendor's client sends through these.

A client of a vendor resolves and connects by itself, where our guard would not see it. Its pools get these classes
instead: the socket comes from `outbound.connect`, so the very peer was checked.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from prefect_mailroom import outbound
from prefect_mailroom.errors import MailroomError

Pools = dict[str, type[HTTPConnectionPool]]


class Refusal(NewConnectionError):
    """Our own error on its way through a client that knows only urllib3's; `refusal` finds it again."""

    def __init__(self, connection: HTTPConnection, error: MailroomError) -> None:
        super().__init__(connection, str(error))
        self.error = error


def refusal(error: BaseException | None) -> MailroomError | None:
    """Return our own error behind whatever a client made of it, or None."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, Refusal):
            return error.error
        if isinstance(error, MailroomError):
            return error
        inner = next((part for part in _parts(error) if isinstance(part, BaseException)), None)
        error = inner or error.__cause__ or error.__context__
    return None


def _parts(error: BaseException) -> Iterator[object]:
    """Yield where clients keep the error that they wrap: `reason` in urllib3, `kwargs` in botocore, else `args`."""
    yield getattr(error, "reason", None)
    kwargs = getattr(error, "kwargs", None)
    if isinstance(kwargs, dict):
        yield from kwargs.values()
    yield from error.args


def _connected(connection: HTTPConnection) -> socket.socket:
    timeout = connection.timeout if isinstance(connection.timeout, int | float) else 10
    try:
        # Each thread of a client connects for itself, and has no event loop.
        link = asyncio.run(outbound.connect(connection.host.strip("[]"), connection.port, timeout=timeout))
    except MailroomError as error:
        raise Refusal(connection, error) from error
    link.settimeout(timeout)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


def pools(opened: Callable[[socket.socket], None] = lambda link: None) -> Pools:
    """Return pool classes for `PoolManager.pool_classes_by_scheme`.

    Args:
        opened: told each socket, so that `abort` of a store can cut them.
    """

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            link = _connected(self)
            opened(link)
            return link

    class Encrypted(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            link = _connected(self)
            opened(link)
            return link

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}


def guard(manager: urllib3.PoolManager, found: Pools) -> urllib3.PoolManager:
    """Make a pool manager use these pools."""
    manager.pool_classes_by_scheme = found
    return manager
