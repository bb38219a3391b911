"""IPv4 addresses inside IPv6 addresses, and public addresses that look a little like them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from prefect_mailroom.ip_addresses import is_public, reached_by

INNER = IPv4Address("10.11.12.13")
# The table of RFC 6052, 2.4, with a prefix that a provider could have.
LAYOUTS = {
    32: "2606:4700:a0b:c0d::",
    40: "2606:4700:10a:b0c:d::",
    48: "2606:4700:122:a0b:c:d00::",
    56: "2606:4700:122:30a:b:c0d::",
    64: "2606:4700:122:344:a:b0c:d00::",
    96: "2606:4700:122:344::a0b:c0d",
}


@pytest.mark.parametrize("length", LAYOUTS)
def test_a_translated_private_address_is_inside(length: int) -> None:
    address = IPv6Address(LAYOUTS[length])
    assert INNER in reached_by(address)
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "2606:4700:4700::1111", "2001:4860:4860::8888", "2620:fe::fe", "2a00:1450:4001:82a::200e",
        "2a03:2880:f12f:83:face:b00c:0:25de", "2001:67c:2e8:22::c100:68b", "2a01:4f8:a0a:1::1", "2001:41d0:a:b::1",
        "2600:1f18:7f00:a::5", "2606:4700:122:344::808:808", "2606:4700:808:808::", "2606:4700::e000:1",
    ],
)  # fmt: skip
def test_servers_of_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_the_reserved_octet_tells_a_translated_address_from_others() -> None:
    assert is_public(IPv6Address("2606:4700:122:344:1234:5678:a0b:c0d"))
    assert not is_public(IPv6Address("2606:4700:122:344:34:5678:a0b:c0d"))
