"""A token of the identity provider says something new only if it is the newest one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailroom.access.oidc.claims import Told
from mailroom.members.identities import is_news
from mailroom.roles import Role
from mailroom.storage.model.login import Identity
from mailroom.storage.tables import User

LAST = datetime(2026, 11, 26, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("later", "role", "news"),
    [
        (-60, Role.ADMIN, False),
        (-60, Role.VIEWER, False),
        (0, Role.VIEWER, False),
        (0, Role.ADMIN, True),
        (60, Role.VIEWER, True),
        (60, Role.ADMIN, True),
    ],
)
def test_security_31_an_older_token_says_nothing_new(later: int, role: Role, news: bool) -> None:
    at = LAST + timedelta(seconds=later)
    told = Told("https://id.example", "ada", "ada@example.com", True, "Ada", role, None, at)
    assert is_news(told, role, Identity(told_at=LAST), User(role=Role.VIEWER)) is news
