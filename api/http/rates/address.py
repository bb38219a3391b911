"""Find the address of a client. What a client writes into `X-Forwarded-For` itself never counts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
UNKNOWN = "unknown"
_ONE_CLIENT_V6 = 64
"""A client of IPv6 has a whole network of this prefix length, and can take another address for each request."""


def networks(text: str) -> tuple[Network, ...]:
    """Return the networks of a list that is separated by commas or blanks."""
    return tuple(ip_network(word) for word in text.replace(",", " ").split())


def client_address(peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Return the address that a request counts for: the nearest hop that is not one of our proxies.

    Args:
        peer: who has opened the connection.
        forwarded: the values of `X-Forwarded-For` in the order of the headers; each proxy appends whom it serves.
        trusted: the networks of our proxies. Without any, the header does not count.
    """
    current = _parsed(peer or "")
    if current is None:
        return UNKNOWN
    hops = ",".join(forwarded).split(",") if forwarded else []
    while hops and _is_of(current, trusted):
        before = _parsed(hops.pop())
        if before is None:
            break  # A proxy of ours has written nothing readable: all behind it count as one.
        current = before
    if isinstance(current, IPv6Address):
        return str(ip_network((int(current), _ONE_CLIENT_V6), strict=False))
    return str(current)


def _is_of(address: IPv4Address | IPv6Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address of a hop, which may have a port: `192.0.2.1:80`, `[2001:db8::1]:80`."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
