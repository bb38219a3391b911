"""The guard of everything that leaves: public addresses, and the private ones that the operator opened.

`MAILROOM_OUTBOUND_ALLOW` lists hosts and networks, separated by commas or blanks: `127.0.0.1 10.8.0.0/16
mail.corp.internal`. It is the operator's and stands in the environment, never on a block, since whoever may edit a
connection could open the inside of the network with it. What is named in `never_targets.py` stays closed all the same.
Every network channel and source connects through here. Nothing here imports Prefect.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from prefect_mailroom.allow_list import VARIABLE, AllowList, allow_list
from prefect_mailroom.errors import ConfigurationError, RetryLater, SourceUnavailable, TargetForbidden
from prefect_mailroom.ip_addresses import Address, is_public, parsed, plain, reached_by
from prefect_mailroom.never_targets import CLOSED_VARIABLE, OWN_VARIABLE, never_targets

if TYPE_CHECKING:
    from httpx import AsyncClient

__all__ = [
    "CLOSED_VARIABLE",
    "OWN_VARIABLE",
    "SCREEN_SECONDS",
    "VARIABLE",
    "AllowList",
    "NoSuchHost",
    "Screened",
    "allow_list",
    "ascii_host",
    "connect",
    "hosts_looked_up",
    "http_client",
    "is_opened",
    "is_public",
    "permit",
    "refuse_never",
    "resolve",
    "screening",
    "tls_fault",
]

SCREEN_SECONDS = 2
"""A look-up may take so long while somebody waits for a connection to be stored."""
_LOOK_UP_SECONDS = 5
_CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


_LOOKED_UP: ContextVar[list[str] | None] = ContextVar("hosts that were looked up", default=None)


class NoSuchHost(ConfigurationError):
    """The name servers know no such host."""


@runtime_checkable
class Screened(Protocol):
    """A connection that names a target, which can be refused before it is stored."""

    async def screen(self) -> None:
        """Refuse a target that may never be reached.

        Raises:
            TargetForbidden: the target is forbidden. A host that cannot be looked up passes: each sending looks again.
        """


def permit(host: str, address: str) -> None:
    """Let a connection to this address of this host pass, or refuse it.

    Raises:
        TargetForbidden: the address is private and the operator did not open it.
    """
    found = parsed(address)
    if is_public(found) or allow_list().covers(host, found):
        return
    # The address stays out of the message: it would tell a user what the inside of the network looks like.
    raise TargetForbidden(
        f"The host '{_shown(host)}' is not on the public internet.",
        remedy=f"If it should be reachable, the operator can allow it with {VARIABLE}.",
        field="host",
    )


async def refuse_never(host: str, address: str, port: int, *, database: str | None = None) -> None:
    """Refuse a connection to a server of Prefect's or ours, by the address and port of the peer.

    Each address of this machine counts as the same one: it would be hard to say on which of them a server listens.

    Args:
        host: what the user calls it.
        database: the database that a SQL source wants there; a database server is closed to everything else.

    Raises:
        TargetForbidden: it is one of them, or in a network that the operator closed.
        RetryLater: the name server cannot say where one of them is.
    """
    never, peers = never_targets(), reached_by(parsed(address))
    closed = any(peer in network for network in never.networks for peer in peers)
    for endpoint in never.on(port, database):
        for ours in () if closed else await _addresses(endpoint.host):
            closed = closed or ours in peers or (_is_this_machine(ours) and any(map(_is_this_machine, peers)))
    if closed:
        raise TargetForbidden(
            f"'{_shown(host)}' may not be reached on port {port}.",
            remedy="Prefect, Mailroom itself and their databases are never targets. Name another host.",
            field="host",
        )


async def _addresses(host: str) -> list[Address]:
    """Return the addresses of a host of ours now; none where it does not exist."""
    try:
        return [plain(parsed(host))]
    except ValueError:
        pass  # It is a name.
    try:
        async with asyncio.timeout(_LOOK_UP_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (TimeoutError, socket.gaierror) as error:
        if isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN:
            return []
        # Nothing may leave as long as it could end there.
        raise RetryLater("The name server did not say where Prefect and the databases are.") from error
    return [plain(parsed(str(entry[4][0]))) for entry in found]


def _is_this_machine(address: Address) -> bool:
    """Tell whether packets to the address end here: then it is their sender's address too. Nothing is sent."""
    if address.is_loopback or address.is_unspecified:
        return True
    if isinstance(address, IPv6Address) and address.is_link_local:
        return True  # Without its interface nobody can tell, and no server of the internet has one.
    family = socket.AF_INET6 if isinstance(address, IPv6Address) else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), 9))
        except OSError:
            return False  # There is no way to it.
        return parsed(str(probe.getsockname()[0])) == address


@contextmanager
def screening() -> Iterator[None]:
    """Let pass what only a look-up at the time of sending can decide; see `Screened`."""
    try:
        yield
    except (NoSuchHost, RetryLater, SourceUnavailable):
        return


@contextmanager
def hosts_looked_up() -> Iterator[list[str]]:
    """Give the hosts that connections look up within the block, each once and in order, for the audit trail."""
    found: list[str] = []
    before = _LOOKED_UP.set(found)
    try:
        yield found
    finally:
        _LOOKED_UP.reset(before)


def is_opened(host: str, address: str) -> bool:
    """Tell whether the operator's list names this host or address; plain HTTP may be used there alone."""
    return allow_list().covers(host, parsed(address))


def ascii_host(host: str) -> str:
    """Return the host name as name servers know it: international names in their IDNA 2008 form.

    Left alone, Python would encode after IDNA 2003, which takes `straße.de` to the host `strasse.de`.

    Raises:
        ValueError: it is no host name.
    """
    if host.isascii():
        return host
    import idna

    return idna.encode(host, uts46=True).decode("ascii")  # Its error is a UnicodeError, so a ValueError.


async def resolve(host: str, port: int, *, timeout: float = 10, database: str | None = None) -> list[str]:
    """Return the addresses of a host, all of them permitted: one private among public ones refuses the host.

    Args:
        timeout: seconds for the name server.
        database: see `refuse_never`.

    Raises:
        ConfigurationError: no such host, or an address that is not permitted.
        RetryLater: the name server did not answer.
    """
    if not 0 < port < 65536:
        message = f"{str(port)[:20]} is not a port."
        raise ConfigurationError(message, remedy="Use a number from 1 to 65535.", field="port")
    if (asked := _LOOKED_UP.get()) is not None and _shown(host) not in asked:
        asked.append(_shown(host))
    try:
        async with asyncio.timeout(timeout):
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(ascii_host(host), port, type=socket.SOCK_STREAM)
    except TimeoutError as error:
        raise RetryLater(f"The name server did not answer for '{_shown(host)}' within {timeout:g} s.") from error
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise RetryLater(f"The name server did not answer for '{_shown(host)}'.") from error
        raise NoSuchHost(
            f"There is no host '{_shown(host)}'.", remedy="Check the spelling of the host name.", field="host"
        ) from error
    except (UnicodeError, ValueError) as error:
        raise ConfigurationError(
            f"'{_shown(host)}' is not a host name.", remedy="Use a name such as mail.example.com.", field="host"
        ) from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        permit(host, address)
        await refuse_never(host, address, port, database=database)
    return addresses


async def connect(host: str, port: int, *, timeout: float, address: str | None = None) -> socket.socket:
    """Return a connected, non-blocking TCP socket to a permitted address of the host; the peer itself was checked.

    Args:
        timeout: seconds for all addresses together.
        address: the one address to connect to, without a look-up, such as the peer of an earlier connection to the
            host. It is checked like any other.

    Raises:
        ConfigurationError: see `resolve`.
        RetryLater: nothing answers there.
    """
    loop = asyncio.get_running_loop()
    problem: OSError | None = None
    try:
        async with asyncio.timeout(timeout):
            if address is None:
                found = await resolve(host, port, timeout=timeout)
            else:
                permit(host, address)
                await refuse_never(host, address, port)
                found = [address]
            for target in found:
                family = socket.AF_INET6 if ":" in target else socket.AF_INET
                link = socket.socket(family, socket.SOCK_STREAM)
                link.setblocking(False)
                try:
                    await loop.sock_connect(link, (target, port))
                    permit(host, str(link.getpeername()[0]))
                    await refuse_never(host, str(link.getpeername()[0]), port)
                except OSError as error:
                    link.close()
                    problem = error
                except BaseException:
                    link.close()
                    raise
                else:
                    return link
    except TimeoutError as error:
        raise RetryLater(f"'{_shown(host)}' did not answer on port {port} within {timeout:g} s.") from error
    why = (problem.strerror if problem else "") or "no answer"
    raise RetryLater(f"'{_shown(host)}' cannot be reached on port {port}: {why}.") from problem


def http_client(*, timeout: float, ca_certificates: str = "") -> AsyncClient:
    """Return an HTTP client for permitted addresses only, which follows no redirect and reads no proxy settings.

    Call `resolve` before a request: httpx-secure finds the address of a host by a bare TCP connection, and `resolve`
    keeps that from touching a private one. Its own check, on the very address that the data goes to, is the one that
    holds when a name changes its mind in between. A refusal is raised as our ConfigurationError.

    Args:
        timeout: seconds for each of writing and reading; connecting may take half as long.
        ca_certificates: PEM certificates to trust beside the usual authorities.

    Raises:
        ConfigurationError: these are no certificates.
    """
    # Late: these cost a renderer process that opens no HTTP connection 0.2 s and some memory.
    import httpx
    from httpx_secure import httpx_ssrf_protection

    from prefect_mailroom.quiet_http import QuietClient
    from prefect_mailroom.tls import trusting

    async def validator(host: str, address: Address, port: int) -> bool:
        permit(host, str(address))
        await refuse_never(host, str(address), port)
        return True

    client = QuietClient(
        timeout=httpx.Timeout(timeout, connect=timeout / 2),
        verify=trusting(ca_certificates),
        follow_redirects=False,
        trust_env=False,
    )
    return httpx_ssrf_protection(client, check_globally_reachable=False, custom_validator=validator)


def tls_fault(error: BaseException | None) -> ssl.SSLError | None:
    """Return the TLS error behind an error of any client, or None: a certificate, or a handshake that failed.

    A connection that was cut within TLS is none: that says nothing about the far side's certificate.
    """
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return None if isinstance(error, _CUT) else error


def _shown(host: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in host[:100])
