"""Rival (b): the flow under `flow.serve`, against the stack's Prefect server. The stack's own worker gets nothing.

The schedules lie in our tables, since the flow reads them there, and so they have deployments of ours as well. Only the
served ones may fire: the pool is paused, so that our runs stay where they are, and in our tables the schedules are next
due in a year, so that the watchdog does not take what the rival is late with for lost. It would give the occurrence to
our own run after two minutes, and the served run would find it taken.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.peak import registering, work
from bench.peak.bound import Bound, seconds
from bench.peak.measuring import Outcome
from bench.peak.options import Options
from bench.peak.programs import must_run, running
from bench.peak.rivals.best import round_of, rounds
from bench.peak.stack import Stack
from bench.peak.waiting import say


def measure(stack: Stack, options: Options) -> dict[str, Any]:
    """Measure the best of a round with each limit."""
    stack.ask_prefect("/work_pools/mailroom", {"is_paused": True}, "PATCH")

    def one(limit: int, bound: Bound) -> Outcome:
        return _round(stack, options, limit, bound)

    return rounds(options.limits, seconds("serve", options), one)


def _round(stack: Stack, options: Options, limit: int, bound: Bound) -> Outcome:
    n, prefix = options.sample, f"serve{limit}"
    due = registering.due_minute(n)
    say(f"flow.serve: {n} schedules, {limit} at once, due at {due:%H:%M}")
    registering.register(stack, n, options.reports_of(n), lambda _: work.at(due), prefix, bound)
    stack.backend.change(left_to_the_rival(prefix, datetime.now(UTC)))
    ids = [row[0] for row in stack.backend.rows(f"SELECT id FROM export_schedules WHERE name LIKE '{prefix} %'")]
    plan = stack.data.parent / f"{prefix}.json"
    plan.write_text(json.dumps({"schedules": ids, "cron": work.at(due)["expression"], "tag": prefix, "limit": limit}))
    log = stack.data.parent / f"{prefix}.log"
    command = [sys.executable, "-m", "bench.peak.rivals.served", str(plan)]
    with running(command, stack.environment, log) as served:
        registering.runs_inserted(stack, n, due, due, bound, prefix)
        must_run(served, log)
        stack.sink.clear()
        found = round_of(stack, due, n, prefix, bound, [served])
        must_run(served, log)
    _went_there(stack, prefix)
    return found


def left_to_the_rival(prefix: str, now: datetime) -> str:
    """Return the statement that keeps the watchdog away from schedules with this prefix. Pure.

    It goes by `next_run`; the claim of a run goes by the timing, which stays.
    """
    next_run = now.replace(tzinfo=None) + timedelta(days=365)
    # Microseconds even where there are none, as SQLAlchemy writes them on SQLite, which compares text.
    return f"UPDATE export_schedules SET next_run = '{next_run:%Y-%m-%d %H:%M:%S.%f}' WHERE name LIKE '{prefix} %'"


def _went_there(stack: Stack, prefix: str) -> None:
    """Every execution must be a served deployment's run, or another did the work and the figures mean nothing."""
    runs = [
        row[0]
        for row in stack.backend.rows(
            "SELECT e.flow_run_id FROM schedule_executions e JOIN export_schedules s ON s.id = e.schedule_id "
            f"WHERE s.name LIKE '{prefix} %'"
        )
    ]
    served = {"id": {"any_": [run for run in runs if run]}, "tags": {"all_": [prefix]}}
    done = int(stack.ask_prefect("/flow_runs/count", {"flow_runs": served}).json()) if any(runs) else 0
    if done < len(runs):
        raise SystemExit(f"Only {done} of {len(runs)} executions are runs of flow.serve: something else did the work.")
