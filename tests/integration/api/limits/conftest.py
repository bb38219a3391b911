"""An API with low limits, on SQLite or on both databases, and people who meet them."""

from __future__ import annotations

import pytest

from mailroom.roles import Role
from tests.integration.api.access.conftest import people, people_of_either
from tests.integration.api.access.people import People, Person

__all__ = ["people", "people_of_either"]


@pytest.fixture(autouse=True)
def _low(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set limits that a short test can reach. The API is made after this."""
    for name, value in {
        "LIMITS__RUNS_AN_HOUR": "2",
        "LIMITS__TESTS_AN_HOUR": "2",
        "LIMITS__PREVIEWS_AN_HOUR": "1",
        "LIMITS__BACKFILLS_AN_HOUR": "3",
        "LIMITS__CONTACT": "team@example.com",
        "LIMITS__RECIPIENT_DOMAINS": "example.com *.example.org",
    }.items():
        monkeypatch.setenv(f"MAILROOM_{name}", value)


async def creator(people: People, name: str = "ada") -> Person:
    """Make a creator who may use the connections of the tests."""
    for connection in ("shared", "corp-smtp"):
        await people.api.json("PUT", f"/connections/{connection}/grants", 200, json={"roles": ["creator"]})
    return await people.person(name, Role.CREATOR)


def refused(problem: dict[str, object]) -> tuple[object, object, object]:
    """Return name, limit and use of a refusal, which also says whom to ask."""
    assert problem["ask"] == "team@example.com", problem
    return problem["limit_name"], problem["limit"], problem["used"]
