"""Check the bytes that go over the wire in an SMTP session, and the part of an answer that is kept."""

from __future__ import annotations

import pytest

from prefect_mailroom.channels.email.smtp.errors import enhanced
from prefect_mailroom.channels.email.smtp.session import stuffed


@pytest.mark.parametrize(
    ("content", "wire"),
    [
        (b"a\r\nb\r\n", b"a\r\nb\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".a\r\n.\r\n..b\r\n", b"..a\r\n..\r\n...b\r\n.\r\n"),
        (b"", b"\r\n.\r\n"),
        # No lone CR or LF reaches a server that takes it for the end of a line, and what follows for commands.
        (b"a\n.\nMAIL FROM:<x>\n", b"a\r\n..\r\nMAIL FROM:<x>\r\n.\r\n"),
        (b"a\r.\rb\r", b"a\r\n..\r\nb\r\n.\r\n"),
        (b"a\r\n.\rb\n.\r\n", b"a\r\n..\r\nb\r\n..\r\n.\r\n"),
        (b"a\r\r\n.\n", b"a\r\n\r\n..\r\n.\r\n"),
    ],
)
def test_stuffing(content: bytes, wire: bytes) -> None:
    assert stuffed(content) == wire


@pytest.mark.parametrize(
    ("said", "code"),
    [("5.7.139 Authentication unsuccessful", "5.7.139"), ("5.7.3", "5.7.3"), ("No 5.7.3", ""), ("5.7", ""), ("", "")],
)
def test_enhanced_codes(said: str, code: str) -> None:
    assert enhanced(said) == code
