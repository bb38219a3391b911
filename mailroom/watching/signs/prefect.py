"""Ask Prefect in one short moment how it is: version, clock, workers, planned and late runs. Nothing is changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict

from mailroom.settings import Settings

SECONDS = 1.0
"""How long Prefect has for all answers together: as long as `/readyz` may wait."""
LATE = timedelta(seconds=30)
"""How long after its time a run of Prefect counts as waiting: a worker looks every few seconds."""
_UPKEEP = "upkeep"


class WorkerSign(BaseModel):
    """When Prefect has heard from a worker, and how often the worker shows that it lives."""

    model_config = ConfigDict(frozen=True)

    name: str
    heard_at: datetime
    interval: float


class PrefectSigns(BaseModel):
    """What Prefect has answered.

    Attributes:
        error: why it did not answer, empty where it did; then the rest is not known.
        skew: by how many seconds its clock is ahead of ours; None where it does not send its time.
        oldest_waiting: when the longest waiting run of our pool was due; None where none waits.
        planned_until: the last minute for which the upkeep has a run; None where it has none.
        is_upkeep_paused: whether a person has paused the upkeep, so that nothing is planned for it.
        upkeep_made_at: when the upkeep's deployment was made; None where there is none, or nobody had to ask.
    """

    model_config = ConfigDict(frozen=True)

    error: str = ""
    version: str = ""
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


class Probe:
    """Ask one Prefect again and again over one client; close it at the end.

    Args:
        clock: tells the time.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._settings, self._clock = settings, clock
        self._client: httpx.AsyncClient | None = None

    async def ask(self, seconds: float = SECONDS) -> PrefectSigns:
        """Return what Prefect answers within so many seconds. No error comes out of it."""
        try:
            async with asyncio.timeout(seconds):
                return await self._ask()
        except (httpx.HTTPError, TimeoutError) as error:
            return PrefectSigns(error=type(error).__name__)
        except (ValueError, KeyError, TypeError) as error:
            # Something else answers at this address.
            return PrefectSigns(error=f"an answer that Prefect does not give, {type(error).__name__}")

    async def close(self) -> None:
        """Give the connections back."""
        if self._client is not None:
            await self._client.aclose()

    async def _ask(self) -> PrefectSigns:
        if self._client is None:
            self._client = httpx.AsyncClient(base_url=self._settings.prefect_api, trust_env=False)
        now = self._clock()
        version, workers, waiting, planned = await asyncio.gather(
            self._client.get("/admin/version"),
            self._client.post(f"/work_pools/{quote(self._settings.work_pool)}/workers/filter", json={}),
            self._runs({"before_": (now - LATE).isoformat()}, "NEXT_SCHEDULED_START_TIME_ASC"),
            self._runs({"after_": now.isoformat()}, "NEXT_SCHEDULED_START_TIME_DESC", upkeep=True),
        )
        signs = PrefectSigns(
            version=str(version.raise_for_status().json()),
            skew=_skew(version.headers.get("date", ""), now),
            # There is no such pool yet before the first `mailroom init`.
            workers=tuple(map(_worker, workers.raise_for_status().json())) if workers.status_code != 404 else (),
            oldest_waiting=waiting,
            planned_until=planned,
        )
        return signs if planned else await self._why_nothing_is_planned(self._client, signs)

    async def _runs(self, when: dict[str, str], order: str, *, upkeep: bool = False) -> datetime | None:
        """Return when the first run in this order is due, of those that wait for this pool."""
        assert self._client is not None
        query: dict[str, Any] = {
            "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}, "next_scheduled_start_time": when},
            "work_pools": {"name": {"any_": [self._settings.work_pool]}},
            "sort": order,
            "limit": 1,
        }
        if upkeep:
            query["flows"] = {"name": {"any_": [_UPKEEP]}}
        found = (await self._client.post("/flow_runs/filter", json=query)).raise_for_status().json()
        return datetime.fromisoformat(found[0]["next_scheduled_start_time"]) if found else None

    async def _why_nothing_is_planned(self, client: httpx.AsyncClient, signs: PrefectSigns) -> PrefectSigns:
        answer = await client.get(f"/deployments/name/{_UPKEEP}/{_UPKEEP}")
        if answer.status_code == 404:
            return signs
        found = answer.raise_for_status().json()
        paused = bool(found["paused"]) or not any(one["active"] for one in found["schedules"])
        made = datetime.fromisoformat(found["created"])
        return signs.model_copy(update={"is_upkeep_paused": paused, "upkeep_made_at": made})


def _skew(header: str, now: datetime) -> float | None:
    try:
        return (parsedate_to_datetime(header) - now).total_seconds()
    except ValueError:
        return None


def _worker(found: dict[str, Any]) -> WorkerSign:
    heard = datetime.fromisoformat(found["last_heartbeat_time"])
    return WorkerSign(name=found["name"], heard_at=heard, interval=found.get("heartbeat_interval_seconds") or 30)
