"""Log in to a server whose key was confirmed: by private key, password, or the agent of the worker's account."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from typing import Any

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from prefect_mailroom.channels.sftp.server import Server
from prefect_mailroom.errors import ConfigurationError, RetryLater

AGENT_VARIABLE = "MAILROOM_SFTP_AGENT"
"""The operator's: `true` lets connections log in by the keys of the worker's agent."""
_SMALLEST_RSA = 2048


def log_in(transport: paramiko.Transport, server: Server) -> str:
    """Log in by each way that the connection has until the server is content, and return by which.

    A server that wants two ways, one after the other, gets both.

    Raises:
        ConfigurationError: the server refuses, or wants another way; or the key cannot be read.
        RetryLater: it did not answer, or hung up.
    """
    wanted: list[str] = []
    was_refused = False
    for way, ask in _ways(server):
        try:
            wanted = ask(transport)
        except paramiko.BadAuthenticationType as error:
            wanted = error.allowed_types
        except paramiko.AuthenticationException as error:
            # Some servers hang up when a second way is tried, which tells nothing about the first.
            if was_refused and not transport.is_active():
                break
            # paramiko has no other sign of these: the time was over, or the server hung up without an answer.
            if not transport.is_active() or "timeout" in str(error).lower():
                raise RetryLater(
                    f"{server.name} did not answer the login of '{server.username}'.",
                    remedy="If it always does so, it may have locked the login out after wrong passwords.",
                ) from None
            was_refused = True
        else:
            if not wanted:
                return way
    if was_refused:
        raise ConfigurationError(
            f"{server.name} refused the login of '{server.username}'.",
            remedy="Correct the user name and the password or private key, leave empty which of the two is not used, "
            "and ask whether the server knows the key.",
            field="private_key" if server.private_key.get_secret_value() else "password",
        )
    raise ConfigurationError(
        f"{server.name} does not let '{server.username}' log in this way; it wants {', '.join(sorted(wanted))}.",
        remedy="Give the connection what the server wants: a private key, a password, or both.",
        field="password",
    )


_Ask = Callable[[paramiko.Transport], list[str]]


def _ways(server: Server) -> Iterator[tuple[str, _Ask]]:
    user, password = server.username, server.password.get_secret_value()
    if server.private_key.get_secret_value():
        yield "private key", _by_key(user, private_key(server))
    if password:
        yield "password", lambda transport: transport.auth_password(user, password)
    if server.use_agent:
        yield from _agent(user)


def _by_key(user: str, key: paramiko.PKey) -> _Ask:
    return lambda transport: transport.auth_publickey(user, key)


def _agent(user: str) -> Iterator[tuple[str, _Ask]]:
    if os.environ.get(AGENT_VARIABLE, "").lower() != "true":
        raise ConfigurationError(
            "The keys of this machine's SSH agent may not be used.",
            remedy=f"The operator can allow it with {AGENT_VARIABLE}=true where the worker runs; or use a private key.",
            field="use_agent",
        )
    agent = paramiko.Agent()
    try:
        keys = agent.get_keys()
        if not keys:
            raise ConfigurationError(
                "The SSH agent of the worker's account has no key, or does not run.",
                remedy="Start it, add the key, and start the worker with its SSH_AUTH_SOCK.",
                field="use_agent",
            )
        for key in keys:
            yield "agent", _by_key(user, key)
    finally:
        agent.close()


def private_key(server: Server) -> paramiko.PKey:
    """Return the connection's private key, of whatever format: OpenSSH, PEM, PKCS #8.

    Raises:
        ConfigurationError: it cannot be read, its passphrase is wrong, or it is too weak.
    """
    text = server.private_key.get_secret_value().strip().encode() + b"\n"
    phrase = server.passphrase.get_secret_value().encode() or None
    load: Callable[..., Any] = load_ssh_private_key if b"BEGIN OPENSSH" in text else load_pem_private_key
    try:
        try:
            loaded = load(text, phrase)
        except TypeError:
            if phrase is None:
                raise _bad_key("is encrypted", "Give its passphrase.", "passphrase") from None
            loaded = load(text, None)  # A passphrase for a key that has none does no harm.
    except (ValueError, UnsupportedAlgorithm):
        # What cryptography says may quote the key.
        if phrase is not None:
            raise _bad_key("cannot be opened", "Correct the passphrase, or copy the whole key again.") from None
        raise _bad_key("cannot be read", "Copy the whole file, with its first and last line.") from None
    if isinstance(loaded, rsa.RSAPrivateKey) and loaded.key_size < _SMALLEST_RSA:
        raise _bad_key(f"has {loaded.key_size} bits", f"Use Ed25519, or RSA of {_SMALLEST_RSA} bits or more.")
    plain = loaded.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    for kind, of_paramiko in (
        (ed25519.Ed25519PrivateKey, paramiko.Ed25519Key),
        (ec.EllipticCurvePrivateKey, paramiko.ECDSAKey),
        (rsa.RSAPrivateKey, paramiko.RSAKey),
    ):
        if isinstance(loaded, kind):
            return of_paramiko.from_private_key(io.StringIO(plain))
    raise _bad_key("is of a type that is not safe any more", "Use Ed25519, ECDSA or RSA.")


def _bad_key(what: str, remedy: str, field: str = "private_key") -> ConfigurationError:
    return ConfigurationError(f"The private key {what}.", remedy=remedy, field=field)
