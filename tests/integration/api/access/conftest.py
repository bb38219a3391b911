"""People of the API, on SQLite or on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from tests.integration.api.access.people import People

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


@pytest.fixture
async def people(offline: Api) -> AsyncIterator[People]:
    """Make people of the API `offline`."""
    made = People(offline)
    yield made
    for client in made.clients:
        await client.aclose()


@pytest.fixture
async def people_of_either(either: Api) -> AsyncIterator[People]:
    """Make people of the API `either`."""
    made = People(either)
    yield made
    for client in made.clients:
        await client.aclose()
