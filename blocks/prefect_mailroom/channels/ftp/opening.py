"""Open a session with an FTP server, step by step, through the guard of what leaves."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TypeVar

from prefect_mailroom import outbound
from prefect_mailroom.channels.ftp.answers import logging_in, opening
from prefect_mailroom.channels.ftp.client import Client
from prefect_mailroom.channels.ftp.folder import FtpFolder
from prefect_mailroom.channels.ftp.plain import permit_plain
from prefect_mailroom.channels.ftp.server import Security, Server
from prefect_mailroom.channels.remote.folder import Lost
from prefect_mailroom.channels.remote.threads import Stop, in_thread
from prefect_mailroom.errors import RetryLater

Result = TypeVar("Result")
_CONNECT_SECONDS = 20
_GRACE = 1


async def open_folder(server: Server, root: str) -> FtpFolder:
    """Return a session that is logged in, below a root folder.

    Raises:
        ConfigurationError: the host may not be reached, its certificate is not trusted, or it refuses the login.
        RetryLater: it does not answer, or not now.
    """
    client = await connect(server)

    def work() -> FtpFolder:
        greet(client)
        encrypt(client)
        log_in(client)
        return FtpFolder(client, root)

    try:
        return await in_time(client, work)
    except BaseException:
        client.cut()
        client.close()
        raise


async def connect(server: Server) -> Client:
    """Return a session of which only the connection exists."""
    link = await outbound.connect(server.host, server.port, timeout=min(server.seconds, _CONNECT_SECONDS))
    try:
        link.settimeout(server.seconds)
        if server.security is Security.NONE:
            permit_plain(server.host, str(link.getpeername()[0]))
        return Client(server, link, _dial(server))
    except BaseException:
        link.close()
        raise


def greet(client: Client) -> None:
    """Wait for the server's greeting where that comes before the encryption."""
    if client.server.security is not Security.IMPLICIT:
        with opening(client.server.name):
            client.greet()


def encrypt(client: Client) -> None:
    """Encrypt the connection in the way that the server has."""
    with opening(client.server.name):
        if client.server.security is Security.IMPLICIT:
            client.greet()
        else:
            client.encrypt()


def log_in(client: Client) -> None:
    """Log in, and settle how files are sent."""
    with opening(client.server.name), logging_in(client.server.name):
        client.log_in()
    with opening(client.server.name, is_known=True):
        client.prepare()


async def in_time(client: Client, work: Callable[[], Result]) -> Result:
    """Return what a step returns, within the time that an answer may take.

    Raises:
        RetryLater: its time was over, or the connection was lost.
    """
    where, seconds = client.server.name, client.server.seconds
    try:
        return await in_thread(work, stop=Stop(), abort=client.cut, seconds=seconds, grace=_GRACE)
    except TimeoutError as error:
        raise RetryLater(
            f"{where} did not answer within {seconds:g} s.",
            remedy="Check that it is an FTP server, and whether its encryption is explicit, implicit or none.",
        ) from error
    except Lost as error:
        raise RetryLater(f"The connection to {where} broke off ({error}).") from error


def _dial(server: Server) -> Callable[[str, int], socket.socket]:
    """Return what connects to a port of the server from a thread that has no event loop."""
    seconds = min(server.seconds, _CONNECT_SECONDS)

    def dial(address: str, port: int) -> socket.socket:
        link = asyncio.run(outbound.connect(server.host, port, timeout=seconds, address=address))
        link.setblocking(True)
        return link

    return dial
