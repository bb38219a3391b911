"""The embedded Prefect server refuses none of many writes at once, lists time zones once, and imports no collection."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from prefect._internal.schemas import validators
from prefect.server.schemas.schedules import CronSchedule
from prefect.settings import PREFECT_API_URL, temporary_settings

from embedded import prefect_server
from prefect_mailroom.channels.email.channel import EmailChannel
from tests.support.prefect import PrefectServer

DEPLOYMENTS = 48


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a server as `mailroom up` does; yields the URL of its API."""
    with PrefectServer.as_embedded(tmp_path_factory.mktemp("prefect")) as server:
        yield server.url


async def test_deployments_made_at_once_are_all_taken_at_the_first_try(server: str) -> None:
    # Plain HTTP: Prefect's client would hide each refusal behind a wait.
    async with httpx.AsyncClient(base_url=server, timeout=60, trust_env=False) as client:
        flow = (await client.post("/flows/", json={"name": "many"})).json()["id"]
        at_once = asyncio.Semaphore(8)

        async def make(number: int) -> int:
            schedule = {"slug": "timing", "schedule": {"cron": "7 5 * * *", "timezone": "UTC"}, "active": True}
            body = {"flow_id": flow, "name": f"d{number}", "schedules": [schedule]}
            async with at_once:
                return (await client.post("/deployments/", json=body)).status_code

        answers = Counter(await asyncio.gather(*(make(number) for number in range(DEPLOYMENTS))))

        assert answers == {201: DEPLOYMENTS}
        made = (await client.post("/deployments/count", json={})).json()
        assert made == DEPLOYMENTS


async def test_the_catalogue_has_blocks_of_collections_that_the_server_did_not_import(server: str) -> None:
    """It has them from a file of its own; ours it learns from who saves a connection."""
    with temporary_settings({PREFECT_API_URL: server}):
        await EmailChannel.aregister_type_and_schema()
    async with httpx.AsyncClient(base_url=server, timeout=60, trust_env=False) as client:
        listed = (await client.post("/block_types/filter", json={"limit": 200})).raise_for_status().json()
        workers = (await client.get("/collections/views/aggregate-worker-metadata")).raise_for_status().json()
        ours = next(one for one in listed if one["slug"] == "mailroom-email")
        asked = {"block_schemas": {"block_type_id": {"any_": [ours["id"]]}}}
        schemas = (await client.post("/block_schemas/filter", json=asked)).raise_for_status().json()
    assert {"secret", "webhook", "aws-credentials", "azure-blob-storage-credentials", "gcp-credentials"} <= {
        one["slug"] for one in listed
    }
    assert "prefect-docker" in workers
    assert "from_address" in schemas[0]["fields"]["properties"]
    port = httpx.URL(server).port
    listens = [one for one in psutil.net_connections("tcp") if one.laddr and one.laddr.port == port]
    (process,) = [one for one in listens if one.status == psutil.CONN_LISTEN]
    assert process.pid
    mapped = {Path(one.path).name for one in psutil.Process(process.pid).memory_maps()}
    assert not [name for name in mapped if name.startswith("cygrpc")], "Google's client is not there"


def test_time_zones_are_listed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[set[str]] = []

    def count() -> set[str]:
        listed.append({"Europe/Berlin"})
        return listed[-1]

    monkeypatch.setattr(validators, "get_timezones", count)  # Put back at the end.
    monkeypatch.setattr(prefect_server, "get_timezones", count)
    prefect_server.list_time_zones_once()
    for _ in range(3):
        CronSchedule(cron="0 9 * * 1", timezone="Europe/Berlin")
    assert len(listed) == 1
