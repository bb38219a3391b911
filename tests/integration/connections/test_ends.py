"""A SAS token that ends soon is an incident before it does, and none any more once the connection has another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailroom.access.service import ensure_default_user
from mailroom.connections import service as connections
from mailroom.connections.remembered import RememberedDocuments, remembering
from mailroom.connections.spec import ConnectionSettings, NewConnection
from mailroom.context import Context
from mailroom.incidents.finders.parts import credentials
from mailroom.incidents.spec import IncidentKind, Severity
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.watching.signs import ends
from tests.support.prefect import NOBODY_LISTENS

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class House:
    """An installation with connections, and what is found of them."""

    database: Database
    settings: Settings
    context: Context

    async def connect(self, name: str, end: datetime | None, kind: str = "azure") -> None:
        """Make a connection whose token ends then; or one with the account's key, which never ends."""
        wanted = NewConnection(name=name, kind=kind, settings=token(end))
        async with self.database.session() as session:
            await connections.create(session, wanted, self.context)

    async def change(self, name: str, end: datetime) -> None:
        """Give a connection another token."""
        later = Context(user=self.context.user, now=NOW + DAY / 2, settings=self.settings)
        wanted = ConnectionSettings(kind="azure", settings=token(end))
        await connections.replace(self.database, name, wanted, later)

    async def note(self, settings: Settings | None = None) -> None:
        """Do what the loop does once an hour, with nothing remembered."""
        with remembering(RememberedDocuments()):
            await ends.note(self.database, settings or self.settings, now=NOW)

    async def found(self, now: datetime = NOW) -> list[tuple[str, Severity, str]]:
        """Return the troubles of credentials."""
        async with self.database.session() as session:
            troubles = await credentials.find(session, self.settings, now=now)
        assert {one.kind for one in troubles} <= {IncidentKind.CREDENTIAL_ENDING}
        return [(one.subject, one.severity, one.values["ends_at"]) for one in troubles]


def token(end: datetime | None) -> dict[str, str]:
    """Return settings with a token that ends then, or with a key."""
    place = {"account": "contoso", "container": "reports"}
    if end is None:
        return {**place, "identity": "key", "account_key": "c2VjcmV0"}
    return {**place, "identity": "sas", "sas_token": f"sv=2024-11-04&se={end:%Y-%m-%dT%H:%M:%SZ}&sr=c&sp=rwd&sig=c2ln"}


@pytest.fixture
async def house(database: Database, tmp_path: Path, prefect_server: str, monkeypatch: pytest.MonkeyPatch) -> House:
    """Return an installation without connections; no name of a host is looked up."""
    monkeypatch.setattr("prefect_mailroom.channels.azure.channel.AzureChannel.screen", _screened)
    settings = Settings(data_dir=tmp_path / "data", prefect_api_url=prefect_server)
    async with database.session() as session:
        user = await ensure_default_user(session, NOW, settings)
    return House(database, settings, Context(user=user, now=NOW, settings=settings))


async def _screened(_channel: object) -> None:
    return None


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """Remember nothing of other tests, whose connections have the same names."""
    with remembering(RememberedDocuments()):
        yield


async def test_it_is_told_before_its_end_and_not_after_it_was_replaced(house: House) -> None:
    soon, later = NOW + 13 * DAY, NOW + 15 * DAY
    await house.connect("ends-soon", soon)
    await house.connect("ends-later", later)
    await house.connect("has-a-key", None)
    assert await house.found() == [], "nobody has looked yet"
    await house.note()
    told = ("connection ends-soon", Severity.WARNING, soon.isoformat())
    assert await house.found() == [told]
    assert [subject for subject, *_ in await house.found(NOW + 2 * DAY)] == [
        "connection ends-later",
        "connection ends-soon",
    ]
    await house.note(house.settings.model_copy(update={"prefect_api_url": NOBODY_LISTENS}))
    assert await house.found() == [told], "a Prefect that is silent ends no incident"
    await house.change("ends-soon", NOW + 300 * DAY)
    assert await house.found() == []
    await house.note()
    assert await house.found() == []


async def test_where_no_connection_can_say_its_end_nothing_is_asked_nor_written(house: House) -> None:
    await house.note(house.settings.model_copy(update={"prefect_api_url": NOBODY_LISTENS}))
    async with house.database.session() as session:
        assert await ends.ends(session) == []
