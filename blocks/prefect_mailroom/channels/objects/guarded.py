"""Connections of urllib3 to permitted addresses only: every vendor's client sends through these.

A client of a vendor resolves and connects by itself, where our guard would not see it. Its pools get these classes
instead: the socket comes from `outbound.connect`, so the very peer was checked.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from prefect_mailroom import outbound
from prefect_mailroom.channels.objects import faults
from prefect_mailroom.errors import MailroomError

if TYPE_CHECKING:
    _Mixed = HTTPConnection
else:
    _Mixed = object

Pools = dict[str, type[HTTPConnectionPool]]
_SECONDS_TO_CONNECT = 10
"""Wait so long for a host where its client has no time of its own."""


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


class Links:
    """The connections of one client, so that all of them can be cut from any thread.

    A client that is cut opens no other: whatever its own retries try ends as well.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: weakref.WeakSet[HTTPConnection] = weakref.WeakSet()
        self._is_cut = False

    def add(self, connection: HTTPConnection) -> None:
        """Remember a connection that is being opened.

        Raises:
            NewConnectionError: the client was cut.
        """
        with self._lock:
            if self._is_cut:
                raise NewConnectionError(connection, "The connection was cut.")
            self._open.add(connection)

    def cut(self) -> None:
        """Cut every connection now."""
        with self._lock:
            self._is_cut = True
            connections = list(self._open)
        for connection in connections:
            # A socket that is being encrypted cannot be cut: its own time ends it.
            with contextlib.suppress(OSError, AttributeError):
                link: Any = connection.sock
                link.shutdown(socket.SHUT_RDWR)


def _connected(connection: HTTPConnection, links: Links) -> socket.socket:
    links.add(connection)
    host = connection.host.strip("[]")
    timeout = connection.timeout if isinstance(connection.timeout, int | float) else _SECONDS_TO_CONNECT
    try:
        # Each thread of a client connects for itself, and has no event loop.
        link = asyncio.run(outbound.connect(host, connection.port, timeout=timeout))
        if not isinstance(connection, HTTPSConnection) and not outbound.is_opened(host, str(link.getpeername()[0])):
            link.close()
            raise faults.unencrypted(host)
    except MailroomError as error:
        raise Refusal(connection, error) from error
    link.settimeout(timeout)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


def pools(
    links: Links | None = None,
    plain: type[HTTPConnection] = HTTPConnection,
    encrypted: type[HTTPSConnection] = HTTPSConnection,
) -> Pools:
    """Return pool classes for `PoolManager.pool_classes_by_scheme`.

    Args:
        links: told each connection, so that `abort` of a store can cut them.
        plain, encrypted: a client's own classes of connections, where it has some.
    """
    known = links or Links()

    class Guarded(_Mixed):
        def _new_conn(self) -> socket.socket:
            return _connected(self, known)

    class Plain(Guarded, plain):  # type: ignore[valid-type, misc]  # The class is known only here.
        pass

    class Encrypted(Guarded, encrypted):  # type: ignore[valid-type, misc]  # As above.
        pass

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}


def guard(manager: urllib3.PoolManager, found: Pools) -> urllib3.PoolManager:
    """Make a pool manager use these pools."""
    manager.pool_classes_by_scheme = found
    return manager
