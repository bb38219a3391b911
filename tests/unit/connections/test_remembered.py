"""What is remembered of connections: by their last change, for half a minute, and never an error."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prefect.client.schemas.objects import BlockDocument

from mailroom.connections.remembered import RENEWED_AFTER, SECONDS, RememberedDocuments, of_process, remembering
from mailroom.errors import Unavailable
from mailroom.storage.tables import Connection
from prefect_mailroom.errors import ConfigurationError

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NUMBER = UUID("00000000-0000-4000-8000-000000000001")


class Prefect:
    """Counts how often it is asked; the document tells the count. It can be down."""

    def __init__(self) -> None:
        self.asked, self.up = 0, True

    async def read(self) -> BlockDocument:
        if not self.up:
            raise Unavailable("Prefect does not answer.")
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
    with pytest.raises(Unavailable):
        await documents.get(_row(), prefect.read)
    prefect.up = True
    assert (await documents.get(_row(), prefect.read)).data["asked"] == 1


async def _asked(documents: RememberedDocuments, prefect: Prefect, row: Connection) -> int:
    return int((await documents.get_at_hand(row, prefect.read)).data["asked"])


async def test_what_is_at_hand_counts_while_prefect_is_silent_and_no_longer(
    documents: RememberedDocuments, now: list[float]
) -> None:
    prefect = Prefect()
    assert await _asked(documents, prefect, _row()) == 1
    now[0], prefect.up = 3600.0, False
    assert await _asked(documents, prefect, _row()) == 1
    with pytest.raises(Unavailable):
        await documents.get(_row(), prefect.read)
    prefect.up = True
    assert await _asked(documents, prefect, _row()) == 2


async def test_a_prefect_that_hangs_is_waited_for_only_where_nothing_is_at_hand(
    documents: RememberedDocuments, now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailroom.connections.remembered.PATIENCE", 0.01)

    async def hangs() -> BlockDocument:
        await asyncio.Event().wait()
        raise AssertionError

    await _asked(documents, Prefect(), _row())
    now[0] = SECONDS + 1
    async with asyncio.timeout(20):
        assert (await documents.get_at_hand(_row(), hangs)).data["asked"] == 1


async def test_neither_another_connection_nor_another_version_is_taken_for_the_one_at_hand(
    documents: RememberedDocuments,
) -> None:
    prefect = Prefect()
    await _asked(documents, prefect, _row())
    prefect.up = False
    for other in (_row(changed=NOON + timedelta(microseconds=1)), _row("bank")):
        with pytest.raises(Unavailable):
            await _asked(documents, prefect, other)


async def test_a_block_that_is_gone_is_no_silence(documents: RememberedDocuments, now: list[float]) -> None:
    async def gone() -> BlockDocument:
        raise ConfigurationError("It is missing.")

    await _asked(documents, Prefect(), _row())
    now[0] = SECONDS + 1
    with pytest.raises(ConfigurationError):
        await documents.get_at_hand(_row(), gone)


async def test_what_is_at_hand_is_renewed_after_a_while_and_after_a_change(
    documents: RememberedDocuments, now: list[float]
) -> None:
    assert not documents.is_at_hand(_row())
    await _asked(documents, Prefect(), _row())
    assert documents.is_at_hand(_row())
    assert not documents.is_at_hand(_row(changed=NOON + timedelta(microseconds=1)))
    now[0] = RENEWED_AFTER + 1
    assert not documents.is_at_hand(_row())


def test_a_block_of_code_can_use_documents_of_its_own(documents: RememberedDocuments) -> None:
    before = of_process()
    with remembering(documents):
        assert of_process() is documents
    assert of_process() is before
