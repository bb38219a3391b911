"""People log in with a one-time link and see a page of their own."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Person


@pytest.mark.parametrize("role", ["admin", "creator", "viewer"])
async def test_a_link_logs_in(person: Person, role: str) -> None:
    async with person(role) as visit:
        await visit.page.goto("/me")
        assert await visit.page.get_by_text(f"{role}@example.com").count()
