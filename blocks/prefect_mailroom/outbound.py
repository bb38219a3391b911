"""The guard of everything that leaves: public addresses, and the private ones that the operator opened.

`MAILROOM_OUTBOUND_ALLOW` lists hosts and networks, separated by commas or blanks: `127.0.0.1 10.8.0.0/16
mail.corp.internal`. It is the operator's and stands in the environment, never on a block, since whoever may edit a
connection could open the inside of the network with it. Every network channel and source connects through here.
Nothing here imports Prefect.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from prefect_mailroom.errors import ConfigurationError, RetryLater

if TYPE_CHECKING:
    from ipaddress import IPv4Network

    from httpx import AsyncClient

VARIABLE = "MAILROOM_OUTBOUND_ALLOW"
Address = IPv4Address | IPv6Address

# Public by registry, yet not the internet: the metadata and DNS address of every Azure host.
_AZURE_HOST = IPv4Address("168.63.129.16")
_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_V4_COMPATIBLE = IPv6Network("::/96")
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9-]{1,63})*\.?")


@dataclass(frozen=True, slots=True)
class AllowList:
    """The private targets that the operator opened."""

    hosts: frozenset[str]
    networks: tuple[IPv4Network | IPv6Network, ...]

    def covers(self, host: str, address: Address) -> bool:
        """Tell whether this host, or the address it stands for, was opened."""
        return _bare(host) in self.hosts or any(address in network for network in self.networks)


def allow_list() -> AllowList:
    """Return the operator's list as it stands in the environment now.

    Raises:
        ConfigurationError: an entry is neither a host name nor a network.
    """
    hosts: set[str] = set()
    networks: list[IPv4Network | IPv6Network] = []
    for entry in re.split(r"[\s,]+", os.environ.get(VARIABLE, "").strip()):
        if not entry:
            continue
        try:
            networks.append(ip_network(entry))
        except ValueError as error:
            if "/" in entry or entry[0].isdigit() or not _HOST.fullmatch(entry.lower()):
                raise ConfigurationError(
                    f"{VARIABLE} has the entry '{entry}', which is neither a host nor a network.",
                    remedy="Write host names or networks such as 10.8.0.0/16 (no host bits), separated by commas.",
                    field=VARIABLE,
                ) from error
            hosts.add(_bare(entry))
    return AllowList(frozenset(hosts), tuple(networks))


def is_public(address: Address) -> bool:
    """Tell whether an address is on the public internet, through every way to write an IPv4 address in IPv6."""
    if isinstance(address, IPv6Address):
        # fec0::/10 is deprecated, not private, in the registries; routers inside may still serve it.
        if address.is_site_local or address in _NAT64_LOCAL:
            return False
        return all(is_public(inner) for inner in _embedded(address)) and (
            address in _NAT64 or (address.is_global and not address.is_multicast)
        )
    return address.is_global and not address.is_multicast and not address.is_reserved and address != _AZURE_HOST


def _embedded(address: IPv6Address) -> list[IPv4Address]:
    last = IPv4Address(address.packed[-4:])
    if address.ipv4_mapped or address in _NAT64 or (address in _V4_COMPATIBLE and int(address) > 1):
        return [last]
    if address.sixtofour:
        return [address.sixtofour]
    return list(address.teredo or ())


def permit(host: str, address: str) -> None:
    """Let a connection to this address of this host pass, or refuse it.

    Raises:
        ConfigurationError: the address is private and the operator did not open it.
    """
    parsed = ip_address(address.split("%", 1)[0])
    if is_public(parsed) or allow_list().covers(host, parsed):
        return
    # The address stays out of the message: it would tell a user what the inside of the network looks like.
    raise ConfigurationError(
        f"The host '{_shown(host)}' is not on the public internet.",
        remedy=f"If it should be reachable, the operator can allow it with {VARIABLE}.",
        field="host",
    )


def is_opened(host: str, address: str) -> bool:
    """Tell whether the operator's list names this host or address; plain HTTP may be used there alone."""
    return allow_list().covers(host, ip_address(address.split("%", 1)[0]))


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


async def resolve(host: str, port: int, *, timeout: float = 10) -> list[str]:
    """Return the addresses of a host, all of them permitted: one private among public ones refuses the host.

    Args:
        timeout: seconds for the name server.

    Raises:
        ConfigurationError: no such host, or an address that is not permitted.
        RetryLater: the name server did not answer.
    """
    try:
        async with asyncio.timeout(timeout):
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(ascii_host(host), port, type=socket.SOCK_STREAM)
    except TimeoutError as error:
        raise RetryLater(f"The name server did not answer for '{_shown(host)}' within {timeout:g} s.") from error
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise RetryLater(f"The name server did not answer for '{_shown(host)}'.") from error
        raise ConfigurationError(
            f"There is no host '{_shown(host)}'.", remedy="Check the spelling of the host name.", field="host"
        ) from error
    except (UnicodeError, ValueError) as error:
        raise ConfigurationError(
            f"'{_shown(host)}' is not a host name.", remedy="Use a name such as mail.example.com.", field="host"
        ) from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        permit(host, address)
    return addresses


async def connect(host: str, port: int, *, timeout: float) -> socket.socket:
    """Return a connected, non-blocking TCP socket to a permitted address of the host; the peer itself was checked.

    Args:
        timeout: seconds for all addresses together.

    Raises:
        ConfigurationError: see `resolve`.
        RetryLater: nothing answers there.
    """
    loop = asyncio.get_running_loop()
    problem: OSError | None = None
    try:
        async with asyncio.timeout(timeout):
            for address in await resolve(host, port, timeout=timeout):
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                link = socket.socket(family, socket.SOCK_STREAM)
                link.setblocking(False)
                try:
                    await loop.sock_connect(link, (address, port))
                    permit(host, str(link.getpeername()[0]))
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


def http_client(*, timeout: float) -> AsyncClient:
    """Return an HTTP client for permitted addresses only, which follows no redirect and reads no proxy settings.

    Call `resolve` before a request: httpx-secure finds the address of a host by a bare TCP connection, and `resolve`
    keeps that from touching a private one. Its own check, on the very address that the data goes to, is the one that
    holds when a name changes its mind in between. A refusal is raised as our ConfigurationError.

    Args:
        timeout: seconds for each of writing and reading; connecting may take half as long.
    """
    # Late: these cost a renderer process that opens no HTTP connection 0.2 s and some memory.
    import httpx
    from httpx_secure import httpx_ssrf_protection

    def validator(host: str, address: Address, _port: int) -> bool:
        permit(host, str(address))
        return True

    client = httpx.AsyncClient(
        timeout=httpx.Timeout(timeout, connect=timeout / 2), follow_redirects=False, trust_env=False
    )
    return httpx_ssrf_protection(client, check_globally_reachable=False, custom_validator=validator)


def tls_fault(error: BaseException | None) -> ssl.SSLError | None:
    """Return the TLS error behind an error of any client, or None: a certificate, or a handshake that failed."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error


def _bare(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _shown(host: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in host[:100])
