"""Which workers are dead, what they had in hand, and when an ended lease is proof."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prefect.client.schemas.objects import Worker

from deployments.runs.abandoned import living
from deployments.runs.steady import GAP_SECONDS, SteadyLooks
from mailroom.passes.lease import LENGTH, RENEWAL_SECONDS

MADE_UP = UUID("00000000-0000-4000-8000-000000000001")
NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)


def _worker(name: str, heard: float | None, interval: int = 5) -> Worker:
    at = None if heard is None else NOW - timedelta(seconds=heard)
    return Worker(name=name, work_pool_id=MADE_UP, last_heartbeat_time=at, heartbeat_interval_seconds=interval)


def test_a_worker_lives_for_three_of_its_own_intervals_by_the_time_of_the_others() -> None:
    workers = [_worker("lives", 0), _worker("slow", 19), _worker("dead", 21), _worker("rare", 94, 30)]
    assert living([*workers, _worker("new", None)]) == {"lives", "slow", "rare", "new"}


def test_by_what_clock_prefect_runs_makes_no_difference() -> None:
    assert living([_worker("only", 3600)]) == {"only"}, "nobody could take up what it had"
    assert living([]) == set()


def test_ended_leases_count_only_once_everybody_could_renew_them() -> None:
    looks = SteadyLooks()
    assert not looks.is_steady(0.0), "nothing is known at the start"
    looks.looked(0.0)
    looks.looked(RENEWAL_SECONDS)
    assert looks.is_steady(RENEWAL_SECONDS + 1)
    back = RENEWAL_SECONDS + GAP_SECONDS + 1
    assert not looks.is_steady(back), "the database was away"
    looks.looked(back)
    assert not looks.is_steady(back + 1)
    looks.looked(back + RENEWAL_SECONDS)
    assert looks.is_steady(back + RENEWAL_SECONDS)


@pytest.mark.parametrize("missed", [0, 1, 2])
def test_a_lease_outlasts_renewals_that_fail(missed: int) -> None:
    assert (missed + 1) * RENEWAL_SECONDS < LENGTH.total_seconds()
