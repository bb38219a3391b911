from __future__ import annotations

import pytest

from prefect_mailroom.channels.email.smtp.errors import queue_id


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("2.0.0 Ok: queued as 4F2A1B3C", "4F2A1B3C"),
        ("OK id=1rXyz-0001-AB", "1rXyz-0001-AB"),
        ("Ok 0100018c1f2e-0000", "0100018c1f2e-0000"),
        ("2.0.0 OK  1707468000 d2e1a72-20020 - gsmtp", "1707468000"),
        ("OK: queued as 00000000000000000042-abc", "00000000000000000042-abc"),
        ("Message accepted for delivery", ""),
        ("OK", ""),
    ],
)
def test_queue_id(reply: str, found: str) -> None:
    assert queue_id(reply) == found
