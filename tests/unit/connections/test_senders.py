"""Say as whom a connection sends is told from its settings, never from a secret."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mailroom.connections.seen.senders import sender, senders


@pytest.mark.parametrize(
    ("kind", "settings", "expected"),
    [
        ("email", {"from_address": "a@example.org", "from_name": "Reports"}, "Reports <a@example.org>"),
        ("email", {"from_address": "a@example.org", "from_name": ""}, "a@example.org"),
        (
            "sftp",
            {"host": "sftp.example.org", "username": "mailroom", "password": "********"},
            "mailroom@sftp.example.org",
        ),
        ("ftp", {"host": "ftp.example.org"}, ""),
        ("folder", {"root": "/srv/reports"}, "/srv/reports"),
        ("webhook", {"url": "********"}, ""),
        ("sql", {"username": "reader", "host": "db"}, ""),
        ("no such kind", {"username": "reader", "host": "db"}, ""),
    ],
)
def test_sender(kind: str, settings: dict[str, Any], expected: str) -> None:
    assert sender(kind, settings) == expected


def test_a_block_of_the_same_name_that_is_not_ours_says_nothing() -> None:
    rows: Any = [SimpleNamespace(name="mail", kind="email", block_type_slug="mailroom-email")]
    settings = {"from_address": "a@example.org"}
    assert senders(rows, [("mail", "foreign", settings)]) == {}
    assert senders(rows, [("mail", "mailroom-email", settings)]) == {"mail": "a@example.org"}
