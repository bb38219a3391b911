"""Schedules over REST, until Prefect has the run of each."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from bench.peak import work
from bench.peak.bound import Bound
from bench.peak.stack import Stack
from bench.peak.waiting import EndedEarly, say


def minute_after(seconds: float) -> datetime:
    """The first whole minute that lies at least so many seconds ahead."""
    ahead = datetime.now(UTC) + timedelta(seconds=seconds)
    return (ahead + timedelta(seconds=59, microseconds=999_999)).replace(second=0, microsecond=0)


def due_minute(n: int) -> datetime:
    """Return the first minute at which `n` schedules that are created now can be due.

    Generous for a slow creation, and over two minutes after it: a schedule saved later than that is planned in another
    way, at once.
    """
    return minute_after(n / 12 + 130)


def create_reports(client: httpx.Client, reports: int, prefix: str, bound: Bound) -> None:
    """Report definitions over REST."""
    for number in range(reports):
        client.post("/reports", json=work.report(number, prefix)).raise_for_status()
        bound.check(f"creating reports: {number + 1} of {reports} were created")


def register(
    stack: Stack, n: int, reports: int, timing_of: Callable[[int], dict[str, Any]], prefix: str, bound: Bound
) -> None:
    """Create reports and schedules; return when Prefect has every deployment."""
    with stack.client as client, ThreadPoolExecutor(8) as pool:
        create_reports(client, reports, prefix, bound)
        began = time.monotonic()
        bodies = [work.schedule(number, reports, timing_of(number), prefix) for number in range(n)]
        for done, answer in enumerate(pool.map(lambda body: client.post("/schedules/", json=body), bodies), 1):
            answer.raise_for_status()
            bound.check(f"creating schedules: {done} of {n} were created")
            if done % 100 == 0 or done == n:
                say(f"{done} schedules created after {time.monotonic() - began:.0f} s")
    unsynced = "SELECT count(*) FROM export_schedules WHERE sync_state <> 'synced'"
    bound.wait_for("Every deployment", lambda: stack.backend.count(unsynced) == 0, 600)


def runs_inserted(
    stack: Stack, wanted: int, first: datetime, last: datetime, bound: Bound, tag: str = "mailroom"
) -> None:
    """Wait until Prefect's scheduler has inserted so many runs that are due from `first` to `last`.

    Raises:
        EndedEarly: it did not, 20 s before the first is due.
    """
    second = timedelta(seconds=1)
    due = {"after_": (first - second).isoformat(), "before_": (last + second).isoformat()}
    body = {"flow_runs": {"expected_start_time": due, "tags": {"all_": [tag]}}}

    def inserted() -> bool:
        if datetime.now(UTC) > first - timedelta(seconds=20):
            raise EndedEarly("creating took longer than planned, and the due minute came; the machine is too busy")
        return int(stack.ask_prefect("/flow_runs/count", body).json()) >= wanted

    bound.wait_for("Every run", inserted, 1800, every=2)
    say(f"{wanted} runs wait for {first:%H:%M}")
