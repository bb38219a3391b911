"""Check an FTP connection byte by byte: goodbyes, endless answers, hostile lines."""

from __future__ import annotations

import contextlib
import ftplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from prefect_mailroom.channels.ftp import data_link
from prefect_mailroom.channels.ftp.answers import said
from prefect_mailroom.channels.ftp.client import Client
from prefect_mailroom.channels.ftp.server import Security, Server
from tests.support.certificates import self_signed

CONTENT = b"0123456789" * 100_000


@contextlib.contextmanager
def served(serve: Callable[[socket.socket], None]) -> Iterator[socket.socket]:
    """Serve one connection in a thread, and give the client's end of it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            accepted, _ = listener.accept()
            with accepted, contextlib.suppress(OSError):
                accepted.settimeout(10)
                serve(accepted)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        with socket.create_connection(listener.getsockname(), timeout=10) as link:
            yield link
        thread.join(10)
        assert not thread.is_alive()


def a_server(**changes: object) -> Server:
    values: dict[str, object] = {
        "host": "127.0.0.1",
        "port": 21,
        "security": Security.NONE,
        "username": "reports",
        "password": SecretStr("secret"),
        "ca_certificates": "",
        "seconds": 5.0,
        "patience": 5.0,
    }
    return Server(**{**values, **changes})  # type: ignore[arg-type]  # They are what it takes.


def no_dial(address: str, port: int) -> socket.socket:
    raise AssertionError("no data connection is wanted here")


@pytest.mark.parametrize("says_goodbye", [True, False])
def test_an_upload_ends_as_every_server_understands(tmp_path: Path, says_goodbye: bool) -> None:
    """The server sees TLS's goodbye and the end of the stream; one that never says goodbye itself costs no time."""
    certificate = self_signed(tmp_path)
    got, ends = bytearray(), list[str]()

    def serve(accepted: socket.socket) -> None:
        link = certificate.context.wrap_socket(accepted, server_side=True, suppress_ragged_eofs=False)
        while chunk := link.recv(65_536):
            got.extend(chunk)
        ends.append("goodbye")
        if says_goodbye:
            link = link.unwrap()  # type: ignore[assignment]  # It is the plain socket from here on.
        if socket.socket.recv(link, 1) == b"":
            ends.append("end of the stream")
        link.close()

    context = ssl.create_default_context(cadata=certificate.pem)
    with served(serve) as plain:
        link = data_link.encrypted(plain, context, "127.0.0.1", None)
        link.do_handshake()
        link.sendall(CONTENT)
        began = time.monotonic()
        data_link.finish(link)
        link.close()
    assert time.monotonic() - began < 4, "It waited for a goodbye that never comes."
    assert bytes(got) == CONTENT
    assert ends == ["goodbye", "end of the stream"]


def test_cutting_a_connection_leaves_its_encryption_on(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    got = bytearray()

    def serve(accepted: socket.socket) -> None:
        certificate.context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=True)
        got.extend(accepted.recv(65_536))

    context = ssl.create_default_context(cadata=certificate.pem)
    with served(serve) as plain:
        link = data_link.encrypted(plain, context, "127.0.0.1", None)
        link.do_handshake()
        data_link.cut(link)
        with pytest.raises(OSError, match=r".*"):
            link.sendall(b"secret")
        assert link.version()  # `SSLSocket.shutdown` would have taken it off, and sent the rest in the clear.
        link.close()
    assert b"secret" not in got


def test_an_endless_answer_has_an_end() -> None:
    def serve(accepted: socket.socket) -> None:
        while True:
            accepted.sendall(b"220-welcome\r\n" * 1000)

    with served(serve) as link:
        client = Client(a_server(), link, no_dial)
        with pytest.raises(ftplib.Error):
            client.greet()
        client.close()


@pytest.mark.parametrize("path", ["a\r\nDELE b", "a\nDELE b", "a\0b"])
def test_a_line_is_one_line(path: str) -> None:
    got = bytearray()

    def serve(accepted: socket.socket) -> None:
        while chunk := accepted.recv(1024):
            got.extend(chunk)

    with served(serve) as link:
        client = Client(a_server(), link, no_dial)
        with pytest.raises(ValueError, match="line"):
            client.delete(path)
        client.close()
    assert got == b""


def test_no_answer_becomes_more_than_a_line() -> None:
    shown = said("550-\x1b[31mno\r\n550 \u202eno" + "x" * 1000)
    assert len(shown) == 200
    assert shown.isprintable()


def test_sessions_are_shared_by_equal_settings_alone() -> None:
    changes: list[dict[str, object]] = [
        {"host": "ftp.example.com"},
        {"port": 990},
        {"security": Security.EXPLICIT},
        {"username": "others"},
        {"password": SecretStr("other")},
        {"ca_certificates": "other"},
    ]
    digests = {a_server(**change).digest() for change in [{}, *changes]}
    assert len(digests) == 1 + len(changes)
    assert a_server(seconds=1.0).digest() == a_server().digest()
    assert "secret" not in a_server().digest() + repr(a_server())
