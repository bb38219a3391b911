"""The embedded Prefect server takes many writes at once without refusing one, and lists time zones once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prefect._internal.schemas import validators
from prefect.server.schemas.schedules import CronSchedule

from embedded import prefect_server
from tests.support.prefect import PrefectServer

DEPLOYMENTS = 48


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Start a server as `mailroom up` does; yields the URL of its API."""
    with PrefectServer.as_embedded(tmp_path) as server:
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
