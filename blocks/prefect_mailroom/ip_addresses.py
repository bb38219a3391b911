"""Judge IP addresses: which are on the public internet, and which IPv4 addresses hide in an IPv6 address. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

# Public by registry, yet not the internet: the metadata and DNS address of every Azure host.
_AZURE_HOST = IPv4Address("168.63.129.16")
_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_V4_COMPATIBLE = IPv6Network("::/96")
_THIS_NETWORK = IPv4Network("0.0.0.0/8")
# Where RFC 6052 puts an IPv4 address behind a prefix of a network's own; 96 is the one that has no suffix.
_SHORTER_PREFIXES = (32, 40, 48, 56, 64)


def parsed(text: str) -> Address:
    """Return the address as a socket names it, without the interface that may follow it.

    Raises:
        ValueError: it is no address.
    """
    return ip_address(text.split("%", 1)[0])


def is_public(address: Address) -> bool:
    """Tell whether an address is on the public internet, through every way to write an IPv4 address in IPv6."""
    if isinstance(address, IPv6Address):
        # fec0::/10 is deprecated, not private, in the registries; routers inside may still serve it.
        if address.is_site_local or address in _NAT64_LOCAL:
            return False
        if not all(is_public(inner) for inner in _embedded(address)):
            return False
        if address in _NAT64:
            return True
        return address.is_global and not address.is_multicast and not any(map(_is_inside, _translated(address)))
    return address.is_global and not address.is_multicast and not address.is_reserved and address != _AZURE_HOST


def plain(address: Address) -> Address:
    """Return the IPv4 address that a mapped one stands for, or else the address itself."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def reached_by(address: Address) -> set[Address]:
    """Return every address where a packet to this one may end: itself, and the IPv4 addresses that it may hold."""
    if isinstance(address, IPv4Address):
        return {address}
    return {address, *_embedded(address), *_translated(address)}


def _embedded(address: IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 addresses in an address whose prefix says for certain that it holds some."""
    last = IPv4Address(address.packed[-4:])
    if address.ipv4_mapped or address in _NAT64 or (address in _V4_COMPATIBLE and int(address) > 1):
        return [last]
    if address.sixtofour:
        return [address.sixtofour]
    return list(address.teredo or ())


def _translated(address: IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 addresses that a translator of some network would find here, by the layouts of RFC 6052.

    Any network may use a prefix of its own, so only the layout can tell: the bits 64 to 71 are zero, and so are those
    behind the IPv4 address. Without the second condition, one in a hundred servers of the internet would be refused.
    """
    bits = int(address)
    if (bits >> 56) & 0xFF:
        return []
    without = ((bits >> 64) << 56) | (bits & ((1 << 56) - 1))  # 120 bits: the reserved octet is left out.
    found = [IPv4Address(bits & 0xFFFFFFFF)]
    for length in _SHORTER_PREFIXES:
        suffix = 120 - length - 32
        if not without & ((1 << suffix) - 1):
            found.append(IPv4Address((without >> suffix) & 0xFFFFFFFF))
    return found


def _is_inside(address: IPv4Address) -> bool:
    """Tell whether a translated address is one of a network's inside.

    Not so for 0.0.0.0/8, multicast and reserved addresses: no translator passes them on, and small numbers such as
    the 1 in 2001:db8::1 would look like them.
    """
    if address in _THIS_NETWORK or address.is_multicast or address.is_reserved:
        return False
    return not is_public(address)
