"""Try a server step by step, and deliver nothing."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Any

from prefect_mailroom import outbound
from prefect_mailroom.channels.email.oauth import tokens
from prefect_mailroom.channels.email.smtp.errors import translated
from prefect_mailroom.channels.email.smtp.server import Security, Server
from prefect_mailroom.channels.email.smtp.session import Session
from prefect_mailroom.channels.email.smtp.sessions import in_time
from prefect_mailroom.channels.steps import StepName, Steps, Told
from prefect_mailroom.errors import ConfigurationError, MailroomError, RetryLater
from prefect_mailroom.text.filenames import clean_line

_SOON_DAYS = 21


async def probe(server: Server, steps: Steps, *, seconds: float) -> str:
    """Resolve, connect, encrypt, log in, ask for nothing and leave; return one line about the server.

    Raises:
        ConfigurationError, RetryLater: see `errors.py`; the last step has it too.
    """
    until = asyncio.get_running_loop().time() + seconds
    async with in_time(server, until):
        with steps.step(StepName.RESOLVE) as told:
            addresses = await outbound.resolve(server.host, server.port, timeout=seconds)
            told.message = f"{server.host} has {len(addresses)} address{'es' if len(addresses) > 1 else ''}."
        with steps.step(StepName.CONNECT) as told:
            session = await _connected(server, seconds)
            told.message = f"{server.name} answers."
        try:
            return await _talk(session, steps)
        finally:
            session.close()


async def reach_one(servers: Sequence[Server], steps: Steps, *, seconds: float) -> None:
    """Connect to the first server that lets us in, log in and leave, as a mail would begin.

    Raises:
        ConfigurationError, RetryLater: none does; or the first one refuses how we come.
    """
    error: MailroomError | None = None
    for server in servers:
        try:
            await _reach(server, steps, seconds=seconds / len(servers))
            return
        except (RetryLater, outbound.NoSuchHost) as found:
            error = error or found
        except ConfigurationError:
            # As with mails: whoever runs the first one must hear of it, one in reserve keeps nobody waiting.
            if error is None:
                raise
    assert error is not None, "a connection has a server"
    raise error


async def _reach(server: Server, steps: Steps, *, seconds: float) -> None:
    async with in_time(server, asyncio.get_running_loop().time() + seconds):
        token = None
        if server.oauth is not None:
            with steps.step(StepName.PREPARE):
                token = await tokens.of_process().get(server.oauth, seconds=seconds)
        with steps.step(StepName.CONNECT):
            session = await _connected(server, seconds)
        try:
            session.token = token
            with steps.step(StepName.ENCRYPT):
                if server.security is Security.TLS:
                    await session.greet()
                await session.encrypt()
            with steps.step(StepName.ANSWER):
                await session.say_hello()
            with steps.step(StepName.LOGIN):
                await session.log_in()
            await session.leave()
        finally:
            session.close()


async def _connected(server: Server, seconds: float) -> Session:
    """Connect, and read the greeting where it comes before the encryption."""
    session = await Session.connect(server, seconds=seconds)
    try:
        if server.security is not Security.TLS:
            await session.greet()
    except BaseException:
        session.close()
        raise
    return session


async def _talk(session: Session, steps: Steps) -> str:
    server = session.server
    if server.security is not Security.NONE:
        with steps.step(StepName.ENCRYPT) as told:
            if server.security is Security.TLS:
                await session.greet()
            await session.encrypt()
            told.message = _encryption(session)
    with steps.step(StepName.LOGIN) as told:
        if server.oauth is not None:
            tokens.of_process().drop(server.oauth)  # A new one proves that the secret is still good.
        await session.log_in()
        login = _login(session, told)
    with steps.step(StepName.ANSWER) as told, translated(server):
        await session.noop()
        told.message = _limit(session)
    cipher = session.about("cipher")
    protocol = cipher[1] if isinstance(cipher, tuple) else "not encrypted"
    await session.leave()
    return f"{server.name} answers, {protocol}, {login}."


def _encryption(session: Session) -> str:
    cipher = session.about("cipher")
    protocol = str(cipher[1]) if isinstance(cipher, tuple) else "encrypted"
    certificate = session.about("peercert")
    if not isinstance(certificate, dict) or not certificate:
        return f"{protocol}; the certificate is not verified."
    days = int((ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) // 86_400)
    soon = " Have it renewed." if days < _SOON_DAYS else ""
    return f"{protocol}; the certificate of {_subject(certificate)} ends in {days} days.{soon}"


def _subject(certificate: Mapping[str, Any]) -> str:
    """Return the name in a certificate: its common name, or the first name that it is valid for."""
    names = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    names += [value for _kind, value in certificate.get("subjectAltName", ())]
    return clean_line(str(next(iter(names), "an unnamed subject")))[:100]


def _login(session: Session, told: Told) -> str:
    server = session.server
    if session.token is not None:
        minutes = max(int((session.token.expires - time.monotonic()) // 60), 0)
        told.message = f"Logged in as {server.username} by a token, which is valid for {minutes} more minutes."
    elif server.username:
        told.message = f"Logged in as {server.username} by a password."
    else:
        told.message = "The connection has no login, and none was asked for."
        return "no login"
    return "login accepted"


def _limit(session: Session) -> str:
    size = session.offers.get("size", "")
    if size.isascii() and size.isdigit() and int(size):
        return f"It takes mails of up to {int(size) / 1_000_000:,.1f} MB, encoded."
    return "It answers, and names no largest size of a mail."
