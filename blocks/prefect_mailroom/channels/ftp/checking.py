"""Check a connection to an FTP server step by step, with a small file that is removed again."""

from __future__ import annotations

import secrets
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import PurePosixPath
from typing import Any

from prefect_mailroom import outbound
from prefect_mailroom.channels.ftp.client import Client
from prefect_mailroom.channels.ftp.folder import FtpFolder
from prefect_mailroom.channels.ftp.opening import connect, encrypt, greet, in_time, log_in
from prefect_mailroom.channels.ftp.server import Security, Server
from prefect_mailroom.channels.remote import probe
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.text.filenames import clean_line


async def check(server: Server, root: str, steps: Steps) -> str:
    """Take all steps, and return one line about the server.

    Raises:
        ConfigurationError, RetryLater, Refused: the step that failed, which `steps` ends with.
    """
    async with _entered(server, root, steps) as (client, folder):
        encryption = client.sock.version() if isinstance(client.sock, ssl.SSLSocket) else "not encrypted"
        name = PurePosixPath(f".mailroom-check-{secrets.token_hex(8)}")
        await probe.write_read_delete(folder, name, steps, seconds=server.seconds)
    return f"{server.name} stores files in {folder.shown(PurePosixPath())}, {encryption}{_about_data(client)}."


async def reach(server: Server, root: str, steps: Steps) -> None:
    """Log in and leave.

    Raises:
        ConfigurationError, RetryLater: the step that failed, which `steps` ends with.
    """
    async with _entered(server, root, steps):
        pass


@asynccontextmanager
async def _entered(server: Server, root: str, steps: Steps) -> AsyncIterator[tuple[Client, FtpFolder]]:
    """Give a session that is logged in, each step to which is told, and cut it at the end."""
    with steps.step(StepName.RESOLVE) as told:
        addresses = await outbound.resolve(server.host, server.port)
        told.message = f"The host has {len(addresses)} address{'es' if len(addresses) > 1 else ''}."
    with steps.step(StepName.CONNECT) as told:
        client = await connect(server)
        try:
            await in_time(client, lambda: greet(client))
        except BaseException:
            client.cut()
            client.close()
            raise
        told.message = f"{server.name} answers."
    try:
        if server.security is not Security.NONE:
            with steps.step(StepName.ENCRYPT) as told:
                await in_time(client, lambda: encrypt(client))
                told.message = _about_encryption(client)
        with steps.step(StepName.LOGIN) as told:
            folder = await in_time(client, lambda: _log_in(client, root))
            told.message = f"{server.name} accepts the login of '{server.username}'."
        yield client, folder
    finally:
        client.cut()
        client.close()


def _log_in(client: Client, root: str) -> FtpFolder:
    log_in(client)
    return FtpFolder(client, root)


def _about_encryption(client: Client) -> str:
    assert isinstance(client.sock, ssl.SSLSocket)
    certificate: dict[str, Any] = dict(client.sock.getpeercert() or {})
    names = [str(value) for row in certificate.get("subject", ()) for key, value in row if key == "commonName"]
    ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    days = int((ends - time.time()) // 86_400)
    subject = f" for '{clean_line(names[0])[:100]}'" if names else ""
    return f"{client.sock.version()}; the certificate{subject} is trusted, and ends in {days} days."


def _about_data(client: Client) -> str:
    if client.server.security is Security.NONE:
        return ""
    return ", and the data resumes the TLS session" if client.resumed else ", and the data has TLS sessions of its own"
