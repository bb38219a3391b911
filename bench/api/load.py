"""People who think between their requests, and requests at a fixed rate, whoever is still waiting."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from bench.api.data import Person
from bench.api.requests import Asked, ask

_PATIENCE = 30


@dataclass
class Measured:
    """The times of all answers in seconds, by what was asked; and what went wrong, in words.

    `asked` also counts the requests of the warm-up.
    """

    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    seconds: float = 0
    asked: int = 0

    @property
    def every(self) -> list[float]:
        """Return all times."""
        return [one for some in self.times.values() for one in some]

    def quantile_ms(self, percent: int, kind: str | None = None) -> float:
        """Return the time within which so many percent of the answers came."""
        times = self.times[kind] if kind else self.every
        if len(times) < 2:
            return round(1000 * sum(times), 1)
        return round(1000 * statistics.quantiles(times, n=100, method="inclusive")[percent - 1], 1)

    def rate(self) -> float:
        """Return the answers a second."""
        return round(len(self.every) / self.seconds, 1) if self.seconds else 0.0


@asynccontextmanager
async def _client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    # Uvicorn ends a connection that was idle for 5 s; a request that is on its way then would fail.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=4)
    # Nothing is encrypted here, and reading all authorities takes 20 ms for each client.
    base = f"{url}/api/v1"
    async with httpx.AsyncClient(
        base_url=base, timeout=_PATIENCE, trust_env=False, limits=limits, verify=False
    ) as http:
        yield http


async def _once(http: httpx.AsyncClient, person: Person, asked: Asked, into: Measured) -> None:
    headers = {"Authorization": f"Bearer {person.key}", **asked.headers}
    began = time.perf_counter()
    try:
        answer = await http.request(asked.method, asked.path, json=asked.json, headers=headers)
    except httpx.HTTPError as error:
        into.errors[f"{asked.kind}: {type(error).__name__}"] += 1
        return
    into.times[asked.kind].append(time.perf_counter() - began)
    if answer.status_code not in asked.good:
        into.errors[f"{asked.kind}: {answer.status_code} {answer.text[:200]}"] += 1


async def people(url: str, persons: Sequence[Person], *, think: float, seconds: float, warm_up: float) -> Measured:
    """Let each person ask, think `think` seconds on average, and ask again; `warm_up` seconds before do not count."""
    ignored, counted = Measured(), Measured(seconds=seconds)
    start = time.perf_counter() + warm_up
    end = start + seconds

    async def one(number: int) -> None:
        # Each with a client of its own: a pool looks through all of its connections for each request, and with those of
        # 200 people the load took more CPU than the answers.
        async with _client(url) as http:
            await ask_and_think(number, http)

    async def ask_and_think(number: int, http: httpx.AsyncClient) -> None:
        pick = random.Random(number)
        await asyncio.sleep(pick.uniform(0, think))
        while (now := time.perf_counter()) < end:
            into = ignored if now < start else counted
            await _once(http, persons[number], ask(persons[number], pick), into)
            counted.asked += 1
            await asyncio.sleep(pick.uniform(think / 2, think * 3 / 2))

    await asyncio.gather(*(one(number) for number in range(len(persons))))
    return counted


async def at_rate(url: str, persons: Sequence[Person], *, rate: float, seconds: float) -> Measured:
    """Send requests at this rate, each at its time; an answer that comes late delays no other request."""
    measured, pick = Measured(seconds=seconds), random.Random(1)
    async with _client(url) as http, asyncio.TaskGroup() as tasks:
        began = time.perf_counter()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            person = pick.choice(persons)
            tasks.create_task(_once(http, person, ask(person, pick), measured))
    return measured


async def highest_rate(
    url: str, persons: Sequence[Person], *, within_ms: float, seconds: float, first: float = 40
) -> tuple[float, list[tuple[float, float]]]:
    """Raise the rate by a quarter until the p95 is above `within_ms`; return the last good one, and what was tried."""
    rate, good, tried = first, 0.0, []
    while True:
        measured = await at_rate(url, persons, rate=rate, seconds=seconds)
        p95 = measured.quantile_ms(95)
        tried.append((round(rate, 1), p95))
        if p95 > within_ms or measured.errors:
            return round(good, 1), tried
        good, rate = rate, rate * 1.25
