"""Check a connection to an FTP server step by step, with a small file that is removed again."""

from __future__ import annotations

import contextlib
import secrets
import ssl
import time
from pathlib import PurePosixPath
from typing import Any

from prefect_mailroom import outbound
from prefect_mailroom.channels.ftp.client import Client
from prefect_mailroom.channels.ftp.folder import FtpFolder
from prefect_mailroom.channels.ftp.opening import connect, encrypt, greet, in_time, log_in
from prefect_mailroom.channels.ftp.server import Security, Server
from prefect_mailroom.channels.remote import faults
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError, MailroomError

_CONTENT = b"Mailroom checks this connection."


async def check(server: Server, root: str, steps: Steps) -> str:
    """Take all steps, and return one line about the server.

    Raises:
        ConfigurationError, RetryLater, Refused: the step that failed, which `steps` ends with.
    """
    with steps.step(StepName.RESOLVE) as told:
        addresses = await outbound.resolve(server.host, server.port)
        told.message = f"The host has {len(addresses)} address{'es' if len(addresses) > 1 else ''}."
    with steps.step(StepName.CONNECT) as told:
        client = await connect(server)
        try:
            await in_time(client, lambda: greet(client))
        except BaseException:
            client.cut()
            raise
        told.message = f"{server.name} answers."
    try:
        if server.security is not Security.NONE:
            with steps.step(StepName.ENCRYPT) as told:
                await in_time(client, lambda: encrypt(client))
                told.message = _about_encryption(client)
        with steps.step(StepName.LOGIN) as told:
            folder = await in_time(client, lambda: _log_in(client, root))
            told.message = f"The login is accepted; its folder is '{folder.shown(PurePosixPath())}'."
        await _try_a_file(folder, client, steps)
        encryption = client.sock.version() if isinstance(client.sock, ssl.SSLSocket) else "not encrypted"
        await in_time(client, folder.close)
    finally:
        client.cut()
        client.close()
    return f"{server.name} takes files, {encryption}."


async def _try_a_file(folder: FtpFolder, client: Client, steps: Steps) -> None:
    path = PurePosixPath(f".mailroom-check-{secrets.token_hex(4)}.txt")
    try:
        with steps.step(StepName.WRITE) as told:
            await in_time(client, lambda: _write(folder, path))
            told.message = f"{len(_CONTENT)} bytes were written{_about_data(client)}."
        with steps.step(StepName.READ_BACK) as told:
            told.message = await in_time(client, lambda: _read_back(folder, path))
    except BaseException:
        with contextlib.suppress(MailroomError):
            await in_time(client, lambda: folder.remove(path))
        raise
    with steps.step(StepName.DELETE) as told:
        await in_time(client, lambda: folder.remove(path))
        told.message = "The file was removed."


def _log_in(client: Client, root: str) -> FtpFolder:
    log_in(client)
    return FtpFolder(client, root)


def _write(folder: FtpFolder, path: PurePosixPath) -> None:
    folder.put(path, [_CONTENT])
    if (size := folder.size(path)) != len(_CONTENT):
        raise faults.is_cut(folder.where, folder.shown(path), size, len(_CONTENT))


def _read_back(folder: FtpFolder, path: PurePosixPath) -> str:
    try:
        found = b"".join(folder.read(path))
    except ConfigurationError:
        return "The login may not read what it wrote; its size is right."
    except FileNotFoundError:
        return "The file was taken away at once; its size was right."
    if found != _CONTENT:
        raise ConfigurationError(
            f"{folder.where} changes files: what was read back is not what was written.",
            remedy="Switch off whatever converts files on the server.",
            field="host",
        )
    return "It is what was written."


def _about_encryption(client: Client) -> str:
    assert isinstance(client.sock, ssl.SSLSocket)
    certificate: dict[str, Any] = dict(client.sock.getpeercert() or {})
    names = [str(value) for row in certificate.get("subject", ()) for key, value in row if key == "commonName"]
    ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    days = int((ends - time.time()) // 86_400)
    subject = f" for '{names[0]}'" if names else ""
    return f"{client.sock.version()}; the certificate{subject} is trusted, and ends in {days} days."


def _about_data(client: Client) -> str:
    if not client.is_encrypted:
        return ", not encrypted"
    return ", and the TLS session was resumed" if client.resumed else ", and the server did not resume the TLS session"
