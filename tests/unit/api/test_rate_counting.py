"""Counts of requests in the memory of a process."""

from __future__ import annotations

import asyncio

import pytest

from api.http.rates.counting import Counting, LocalStorage, Rate, rate_of
from api.http.rates.headers import exceeded, rate_headers


def rate(text: str = "3/hour", name: str = "user") -> Rate:
    found = rate_of(name, text)
    assert found is not None
    return found


async def test_so_many_are_counted_and_the_next_is_refused() -> None:
    counting = Counting()
    counts = [await counting.count(rate(), "ada") for _ in range(5)]
    assert [one.allowed for one in counts] == [True, True, True, False, False]
    assert [one.remaining for one in counts] == [2, 1, 0, 0, 0]
    assert all(1 <= one.room_in <= 3600 for one in counts)
    assert (await counting.count(rate(), "bob")).allowed
    assert (await counting.count(rate(name="key"), "ada")).allowed


async def test_security_34_a_burst_is_no_way_around() -> None:
    counting = Counting()
    counts = await asyncio.gather(*(counting.count(rate("5/hour"), "ada") for _ in range(50)))
    assert sum(one.allowed for one in counts) == 5


def test_a_rate_can_be_unlimited() -> None:
    assert rate_of("user", "unlimited") is None


async def test_the_headers_are_those_of_the_draft() -> None:
    counting = Counting()
    asked = [(rate("2/hour"), "ada"), (rate("1/minute", "key"), "k")]
    first = await counting.count_all(asked)
    headers = rate_headers(first)
    assert headers["RateLimit-Policy"] == '"user";q=2;w=3600, "key";q=1;w=60'
    assert headers["RateLimit"].startswith('"user";r=1;t=')
    assert exceeded(first) is None
    over = exceeded(await counting.count_all([asked[0]] * 2))
    assert over is not None
    assert over.rate.name == "user"
    assert rate_headers([]) == {}


@pytest.mark.parametrize(("passed", "kept"), [(10.0, 101), (31.0, 1)])
async def test_what_is_over_is_swept_once_in_a_while(passed: float, kept: int) -> None:
    now = 1000.0
    storage = LocalStorage(lambda: now)
    for number in range(100):
        await storage.incr(f"address-{number}", expiry=-1)
    now += passed
    await storage.incr("ada", expiry=60)
    assert len(storage.expirations) == kept
