"""Open a session with an SFTP server: connect, compare its key with the confirmed ones, log in."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import paramiko

from prefect_mailroom import outbound
from prefect_mailroom.channels.remote.threads import Result, Stop, in_thread
from prefect_mailroom.channels.sftp.faults import NoCommonAlgorithm, opening
from prefect_mailroom.channels.sftp.folder import SftpFolder
from prefect_mailroom.channels.sftp.host_keys import KEY_TYPES, fingerprint, signing_types
from prefect_mailroom.channels.sftp.login import log_in
from prefect_mailroom.channels.sftp.server import Server
from prefect_mailroom.errors import ConfigurationError, RetryLater

# The best first: a cipher that seals as it encrypts is twice as fast here as one with a MAC of its own. What is missing
# is CBC, 3DES, MD5 and SHA-1.
_CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)
_MACS = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
)
_LOG = "prefect_mailroom.sftp"
# What paramiko logs, with tracebacks, is raised as well; the log of a worker is no place for each server's bad day.
logging.getLogger(_LOG).setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Greeted:
    """An encrypted connection to a server whose key was confirmed; nobody is logged in yet."""

    transport: paramiko.Transport
    link: socket.socket

    def cut(self) -> None:
        """Cut the connection at once; paramiko's thread closes the socket when it sees that."""
        with contextlib.suppress(OSError):  # It is closed already.
            self.link.shutdown(socket.SHUT_RDWR)
        if not self.transport.is_alive():
            self.link.close()


async def open_session(server: Server) -> SftpFolder:
    """Return a session that is logged in.

    Raises:
        ConfigurationError: the host, its key, the login or the folder is wrong.
        RetryLater: it does not answer.
    """
    return await logged_in(await greeted(server, await connected(server)), server)


async def connected(server: Server) -> socket.socket:
    """Return a connected socket; see `outbound.connect`."""
    return await outbound.connect(server.host, server.port, timeout=server.seconds)


async def greeted(server: Server, link: socket.socket) -> Greeted:
    """Shake hands over the socket, and over further ones where the server must be asked for another of its keys.

    Raises:
        ConfigurationError: no key was confirmed yet, or the server shows another; both are told.
        RetryLater: it does not answer.
    """
    seen: list[paramiko.PKey] = []
    types = signing_types(server.host_keys)
    while types:
        found = Greeted(paramiko.Transport(link), link)
        try:
            await _shake_hands(found, server, types)
        except NoCommonAlgorithm:
            found.cut()
            if seen:
                break  # It has no key of another type.
            if types == KEY_TYPES:
                raise
            types = KEY_TYPES  # It has no key of the confirmed type: let it show what it has.
        except BaseException:
            found.cut()
            raise
        else:
            key = found.transport.get_remote_server_key()
            if fingerprint(key.asbytes()) in {pinned.fingerprint for pinned in server.host_keys}:
                return found
            found.cut()
            seen.append(key)
            if all(pinned.type for pinned in server.host_keys):
                break
            types = signing_types(server.host_keys, [key.get_name() for key in seen])
        if types:
            link = await connected(server)
    raise _wrong_key(server, seen)


async def _shake_hands(found: Greeted, server: Server, types: Sequence[str]) -> None:
    transport = found.transport
    transport.set_log_channel(_LOG)
    options = transport.get_security_options()
    options.ciphers, options.digests, options.key_types = _CIPHERS, _MACS, types
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = server.seconds
    transport.channel_timeout = server.seconds

    def shake() -> None:
        with opening(server.name):
            transport.start_client(timeout=server.seconds)
            if not transport.initial_kex_done:
                raise RetryLater(f"{server.name} did not finish the handshake within {server.seconds:g} s.")

    await _in_time(shake, found, server)


async def logged_in(found: Greeted, server: Server) -> SftpFolder:
    """Log in and open the folder, or cut the connection.

    Raises:
        ConfigurationError: the login or the folder is wrong.
        RetryLater: it does not answer.
    """

    def enter() -> SftpFolder:
        with opening(server.name):
            log_in(found.transport, server)
            return SftpFolder(found.transport, found.link, server)

    try:
        return await _in_time(enter, found, server)
    except BaseException:
        found.cut()
        raise


async def _in_time(work: Callable[[], Result], found: Greeted, server: Server) -> Result:
    seconds = server.seconds * 2
    try:
        return await in_thread(work, stop=Stop(), abort=found.cut, seconds=seconds, grace=0)
    except TimeoutError as error:
        raise RetryLater(f"{server.name} did not answer within {seconds:g} s.") from error


def _wrong_key(server: Server, seen: Sequence[paramiko.PKey]) -> ConfigurationError:
    shown = " and ".join(f"{key.get_name()} {key.get_base64()} ({fingerprint(key.asbytes())})" for key in seen)
    if not server.host_keys:
        return ConfigurationError(
            f"The host key of {server.name} was not confirmed yet. The server shows {shown}.",
            remedy="Ask the operator of the server, by another way than this connection, whether this is its key; then "
            "put it in host_key.",
            field="host_key",
        )
    pinned = " or ".join(key.fingerprint for key in server.host_keys)
    return ConfigurationError(
        f"{server.name} shows another host key than the confirmed one: {shown}, not {pinned}. Nothing was sent.",
        remedy="Either the server has a new key, or another machine answers in its place. Ask its operator, and change "
        "host_key only if the new key is confirmed.",
        field="host_key",
    )


def shown_key(found: Greeted) -> str:
    """Return the server's key as people compare it: its type and fingerprint."""
    key = found.transport.get_remote_server_key()
    return f"{key.get_name()} {fingerprint(key.asbytes())}"
