"""Ask Prefect in one short moment how it is: version, clock, workers, planned and late runs. Nothing is changed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict

from mailroom.settings import Settings
from mailroom.storage.hosts.clock import local_time
from mailroom.watching.signs import prefect_login

SECONDS = 1.0
"""Prefect has this many seconds for all answers together: as long as `/readyz` may wait."""
LATE = timedelta(seconds=30)
"""A run of Prefect counts as waiting this long after its time: a worker looks every few seconds."""
_UPKEEP = "upkeep"
_HEADER_IS_EXACT_TO = 2.0
"""The header that tells Prefect's time has whole seconds, and servers make it anew once a second."""
_LONGEST = 60.0
"""The caller says how long it may take; this only ends what nobody waits for any more."""
Answer = TypeVar("Answer")


class WorkerSign(BaseModel):
    """Say when Prefect has heard from a worker, and how often the worker shows that it lives."""

    model_config = ConfigDict(frozen=True)

    name: str
    heard_at: datetime
    interval: float


class PrefectSigns(BaseModel):
    """Hold what Prefect has answered.

    Attributes:
        skew: by how many seconds its clock is ahead of ours; None where it does not send its time.
        error: why it did not answer, empty where it did; then the rest is not known.
        busy: why it did not say what its tables hold, empty where it did. On SQLite it may be too busy for that in a
            crowded minute; then all below is not known.
        oldest_waiting: when the longest waiting run of our pool was due; None where none waits.
        planned_until: the last minute for which the upkeep has a run; None where it has none.
        is_upkeep_paused: whether a person has paused the upkeep, so that nothing is planned for it.
        upkeep_made_at: when the upkeep's deployment was made; None where there is none, or nobody had to ask.
    """

    model_config = ConfigDict(frozen=True)

    error: str = ""
    version: str = ""
    busy: str = ""
    skew: float | None = None
    workers: tuple[WorkerSign, ...] = ()
    oldest_waiting: datetime | None = None
    planned_until: datetime | None = None
    is_upkeep_paused: bool = False
    upkeep_made_at: datetime | None = None

    @property
    def answers(self) -> bool:
        """Tell whether Prefect has answered."""
        return not self.error

    @property
    def knows(self) -> bool:
        """Tell whether Prefect has said what its tables hold."""
        return not self.error and not self.busy


class Probe:
    """Ask one Prefect again and again over one client; close it at the end.

    Args:
        clock: tells the time.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime] = local_time) -> None:
        self._settings, self._clock = settings, clock
        self._client: httpx.AsyncClient | None = None

    async def ask(self, seconds: float = SECONDS) -> PrefectSigns:
        """Return what Prefect answers within so many seconds. No error comes out of it."""
        if self._client is None:
            self._client = httpx.AsyncClient(
                base_url=self._settings.prefect_api,
                headers=prefect_login.headers(os.environ),
                trust_env=False,
                timeout=_LONGEST,
            )
        now = self._clock()
        version, tables = await asyncio.gather(
            _within(seconds, self._version(self._client, now)), _within(seconds, self._tables(self._client, now))
        )
        if isinstance(version, str):
            return PrefectSigns(error=version)
        more = {"busy": tables} if isinstance(tables, str) else tables
        return by_our_clock(PrefectSigns.model_validate(version.model_dump() | more))

    async def close(self) -> None:
        """Give the connections back."""
        if self._client is not None:
            await self._client.aclose()

    async def _version(self, client: httpx.AsyncClient, now: datetime) -> PrefectSigns:
        answer = (await client.get("/admin/version")).raise_for_status()
        return PrefectSigns(version=str(answer.json()), skew=_skew(answer.headers.get("date", ""), now))

    async def _tables(self, client: httpx.AsyncClient, now: datetime) -> dict[str, Any]:
        """Return the fields of the signs that Prefect reads from its tables."""
        workers, waiting, planned = await asyncio.gather(
            client.post(f"/work_pools/{quote(self._settings.work_pool)}/workers/filter", json={}),
            self._runs(client, {"before_": (now - LATE).isoformat()}, "NEXT_SCHEDULED_START_TIME_ASC"),
            self._runs(client, {"after_": now.isoformat()}, "EXPECTED_START_TIME_DESC", upkeep=True),
        )
        # There is no such pool yet before the first `mailroom init`.
        heard = tuple(map(_worker, workers.raise_for_status().json())) if workers.status_code != 404 else ()
        found = {"workers": heard, "oldest_waiting": waiting, "planned_until": planned}
        return found if planned else found | await self._why_nothing_is_planned(client)

    async def _runs(
        self, client: httpx.AsyncClient, when: dict[str, str], order: str, *, upkeep: bool = False
    ) -> datetime | None:
        """Return when the first run in this order is due, of those that wait for this pool."""
        query: dict[str, Any] = {
            "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}, "next_scheduled_start_time": when},
            "work_pools": {"name": {"any_": [self._settings.work_pool]}},
            "sort": order,
            "limit": 1,
        }
        if upkeep:
            query["flows"] = {"name": {"any_": [_UPKEEP]}}
        found = (await client.post("/flow_runs/filter", json=query)).raise_for_status().json()
        return datetime.fromisoformat(found[0]["next_scheduled_start_time"]) if found else None

    async def _why_nothing_is_planned(self, client: httpx.AsyncClient) -> dict[str, Any]:
        answer = await client.get(f"/deployments/name/{_UPKEEP}/{_UPKEEP}")
        if answer.status_code == 404:
            return {}
        found = answer.raise_for_status().json()
        paused = bool(found["paused"]) or not any(one["active"] for one in found["schedules"])
        return {"is_upkeep_paused": paused, "upkeep_made_at": datetime.fromisoformat(found["created"])}


async def _within(seconds: float, asked: Coroutine[Any, Any, Answer]) -> Answer | str:
    """Return the answer, or the name of the error that stands in its place."""
    try:
        async with asyncio.timeout(seconds):
            return await asked
    except (httpx.HTTPError, TimeoutError) as error:
        return type(error).__name__
    except (ValueError, KeyError, TypeError) as error:
        return f"an answer that Prefect does not give, {type(error).__name__}"  # Something else answers there.


def _skew(header: str, now: datetime) -> float | None:
    try:
        return (parsedate_to_datetime(header) - now).total_seconds()
    except ValueError:
        return None


def by_our_clock(signs: PrefectSigns) -> PrefectSigns:
    """Return the signs with what Prefect's clock has written as our clock would have. Pure."""
    if signs.skew is None or abs(signs.skew) <= _HEADER_IS_EXACT_TO:
        return signs
    behind = timedelta(seconds=signs.skew)
    workers = tuple(one.model_copy(update={"heard_at": one.heard_at - behind}) for one in signs.workers)
    made_at = signs.upkeep_made_at - behind if signs.upkeep_made_at else None
    return signs.model_copy(update={"workers": workers, "upkeep_made_at": made_at})


def _worker(found: dict[str, Any]) -> WorkerSign:
    heard = datetime.fromisoformat(found["last_heartbeat_time"])
    return WorkerSign(name=found["name"], heard_at=heard, interval=found.get("heartbeat_interval_seconds") or 30)
