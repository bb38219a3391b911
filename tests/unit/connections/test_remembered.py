"""What is remembered of connections: by their last change, for half a minute, and never an error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prefect.client.schemas.objects import BlockDocument

from mailroom.connections.remembered import SECONDS, RememberedDocuments, of_process, remembering
from mailroom.storage.tables import Connection

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NUMBER = UUID("00000000-0000-4000-8000-000000000001")


class Prefect:
    """Counts how often it is asked; the document tells the count. It can be down."""

    def __init__(self) -> None:
        self.asked, self.up = 0, True

    async def read(self) -> BlockDocument:
        if not self.up:
            raise ConnectionError
        self.asked += 1
        return BlockDocument(data={"asked": self.asked}, block_schema_id=NUMBER, block_type_id=NUMBER, name="a")


def _row(name: str = "smtp", changed: datetime = NOON) -> Connection:
    return Connection(name=name, updated_at=changed)


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def documents(now: list[float]) -> RememberedDocuments:
    return RememberedDocuments(clock=lambda: now[0])


async def test_prefect_is_asked_once_until_the_time_is_over(documents: RememberedDocuments, now: list[float]) -> None:
    prefect, seen = Prefect(), []
    for now[0] in (0.0, SECONDS - 1, SECONDS + 1):
        seen.append((await documents.get(_row(), prefect.read)).data["asked"])
    assert seen == [1, 1, 2]


async def test_a_change_of_ours_and_another_connection_are_read_at_once(documents: RememberedDocuments) -> None:
    prefect = Prefect()
    rows = [_row(), _row(changed=NOON + timedelta(microseconds=1)), _row("bank")]
    assert [(await documents.get(row, prefect.read)).data["asked"] for row in rows] == [1, 2, 3]


async def test_an_error_is_not_remembered(documents: RememberedDocuments) -> None:
    prefect = Prefect()
    prefect.up = False
    with pytest.raises(ConnectionError):
        await documents.get(_row(), prefect.read)
    prefect.up = True
    assert (await documents.get(_row(), prefect.read)).data["asked"] == 1


def test_a_block_of_code_can_use_documents_of_its_own(documents: RememberedDocuments) -> None:
    before = of_process()
    with remembering(documents):
        assert of_process() is documents
    assert of_process() is before
