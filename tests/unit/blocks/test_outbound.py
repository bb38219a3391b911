"""The guard lets nothing reach the inside of the network but what the operator opened. No network is needed."""

from __future__ import annotations

import socket
import ssl
from ipaddress import ip_address

import pytest

from prefect_mailroom import outbound
from prefect_mailroom.errors import ConfigurationError

INSIDE = [
    "169.254.169.254",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "0.0.0.0",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:168.63.129.16",
    "::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::a83f:8110",
    "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "2002:7f00:1::1",
    "2001:0:a9fe:a9fe::1",
    "fec0::1",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "2001:db8::1",
]
OUTSIDE = ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "64:ff9b::101:101", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", INSIDE)
def test_inside_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(outbound.VARIABLE, raising=False)
    assert not outbound.is_public(ip_address(address))
    with pytest.raises(ConfigurationError, match=outbound.VARIABLE) as caught:
        outbound.permit("hooks.example.com", address)
    assert f"'{address}'" not in str(caught.value)
    assert caught.value.field == "host"


@pytest.mark.parametrize("address", OUTSIDE)
def test_outside_is_reached(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is public by itself, so it needs no entry of the operator, and another's entry changes nothing."""
    assert outbound.is_public(ip_address(address))
    for entries in ("", "10.8.0.0/16"):
        monkeypatch.setenv(outbound.VARIABLE, entries)
        assert not outbound.allow_list().covers("hooks.example.com", ip_address(address))
        outbound.permit("hooks.example.com", address)


@pytest.mark.parametrize(
    ("entries", "host", "address", "opened"),
    [
        ("127.0.0.1", "localhost", "127.0.0.1", True),
        ("10.8.0.0/16, mail.corp.internal", "x", "10.8.3.4", True),
        ("10.8.0.0/16", "x", "10.9.0.1", False),
        ("Mail.Corp.Internal", "mail.corp.internal.", "10.1.1.1", True),
        ("mail.corp.internal", "evil-mail.corp.internal", "10.1.1.1", False),
        ("fd00::/8", "x", "fd00:ec2::254", True),
        ("127.0.0.1", "x", "::ffff:127.0.0.1", False),
        ("", "localhost", "127.0.0.1", False),
    ],
)
def test_only_the_operator_opens(
    entries: str, host: str, address: str, opened: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(outbound.VARIABLE, entries)
    assert outbound.is_opened(host, address) is opened


@pytest.mark.parametrize("entries", ["10.8.0.1/16", "300.1.1.1", "http://x", "*", "10.0.0.0/99"])
def test_wrong_entry_is_named(entries: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(outbound.VARIABLE, entries)
    with pytest.raises(ConfigurationError, match=outbound.VARIABLE):
        outbound.allow_list()


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "①②⑦.⓪.⓪.①", "localhost", "0"])
async def test_every_spelling_of_this_machine_is_refused(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(outbound.VARIABLE, raising=False)
    with pytest.raises(ConfigurationError):
        await outbound.resolve(host, 443)


async def test_one_private_address_among_public_ones_refuses_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def mixed(*_arguments: object, **_options: object) -> list[object]:
        return [(2, 1, 6, "", (address, 443)) for address in ("93.184.215.14", "10.0.0.1")]

    monkeypatch.delenv(outbound.VARIABLE, raising=False)
    monkeypatch.setattr("socket.getaddrinfo", mixed)
    with pytest.raises(ConfigurationError):
        await outbound.resolve("mixed.example.com", 443)


async def test_the_address_that_answered_is_checked_whatever_the_name_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that stands for a public address when it is looked up, and for this machine when it is connected to."""
    monkeypatch.delenv(outbound.VARIABLE, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as inside:
        port = inside.getsockname()[1]
        real = socket.socket.connect

        def rebound(link: socket.socket, _address: object) -> None:
            real(link, ("127.0.0.1", port))

        def public(*_arguments: object, **_options: object) -> list[object]:
            return [(2, 1, 6, "", ("93.184.215.14", port))]

        monkeypatch.setattr("socket.getaddrinfo", public)
        monkeypatch.setattr("socket.socket.connect", rebound)
        with pytest.raises(ConfigurationError) as caught:
            await outbound.connect("rebinding.example.com", port, timeout=5)
    assert caught.value.field == "host"


async def test_hosts_are_looked_up_after_idna_2008(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def record(host: object, *_arguments: object, **_options: object) -> list[object]:
        asked.append(host)
        return [(2, 1, 6, "", ("93.184.215.14", 443))]

    monkeypatch.setattr("socket.getaddrinfo", record)
    await outbound.resolve("mail.straße.de", 443)
    assert asked == ["mail.xn--strae-oqa.de"]


@pytest.mark.parametrize("host", ["☃.net", "a" * 64 + "ü.de"])
async def test_hosts_that_cannot_exist_are_refused(host: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await outbound.resolve(host, 443)
    assert caught.value.field == "host"


def test_tls_faults_are_found_behind_other_errors() -> None:
    fault = ssl.SSLCertVerificationError("expired")
    caused, met = ConnectionError("no connection"), ConnectionError("no connection")
    caused.__cause__ = fault
    met.__context__ = caused
    assert outbound.tls_fault(fault) is fault
    assert outbound.tls_fault(met) is fault
    assert outbound.tls_fault(ConnectionError("no connection")) is None
    assert outbound.tls_fault(None) is None
    assert outbound.tls_fault(ssl.SSLEOFError("cut")) is None, (
        "A connection that was cut says nothing of a certificate."
    )
