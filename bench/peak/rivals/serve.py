"""Rival (b): the flow under `flow.serve`, against the stack's Prefect server. The stack's own worker gets nothing."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from typing import Any

from bench.peak import registering, work
from bench.peak.measuring import Outcome
from bench.peak.options import Options
from bench.peak.programs import must_run, running
from bench.peak.rivals.best import figures, round_of
from bench.peak.stack import Stack
from bench.peak.waiting import say


def measure(stack: Stack, options: Options) -> dict[str, Any]:
    """The best of a round with each limit."""
    # The schedules have deployments of ours as well. Their runs stay where they are: the pool is paused.
    stack.ask_prefect("/work_pools/mailroom", {"is_paused": True}, "PATCH")
    return figures([(limit, _round(stack, options, limit)) for limit in options.limits])


def _round(stack: Stack, options: Options, limit: int) -> Outcome:
    n, prefix = options.sample, f"serve{limit}"
    due = registering.due_minute(n)
    say(f"flow.serve: {n} schedules, {limit} at once, due at {due:%H:%M}")
    registering.register(stack, n, options.reports_of(n), lambda _: work.at(due), prefix)
    ids = [row[0] for row in stack.backend.rows(f"SELECT id FROM export_schedules WHERE name LIKE '{prefix} %'")]
    plan = stack.data.parent / f"{prefix}.json"
    plan.write_text(json.dumps({"schedules": ids, "cron": work.at(due)["expression"], "tag": prefix, "limit": limit}))
    log = stack.data.parent / f"{prefix}.log"
    command = [sys.executable, "-m", "bench.peak.rivals.served", str(plan)]
    with running(command, stack.environment, log) as served:
        registering.runs_inserted(stack, n, due, due, prefix)
        must_run(served, log)
        stack.sink.clear()
        found = round_of(stack, due, n, prefix, [served])
        must_run(served, log)
    _went_there(stack, due, n, prefix)
    return found


def _went_there(stack: Stack, due: datetime, n: int, tag: str) -> None:
    """The runs that completed must be those of the served deployments, or another did the work."""
    at_due = {"after_": (due - timedelta(seconds=1)).isoformat(), "before_": (due + timedelta(seconds=1)).isoformat()}
    completed = {"tags": {"all_": [tag]}, "state": {"type": {"any_": ["COMPLETED"]}}, "expected_start_time": at_due}
    done = int(stack.ask_prefect("/flow_runs/count", {"flow_runs": completed}).json())
    if done < n:
        raise SystemExit(
            f"Only {done} of {n} runs were completed by flow.serve: something else did the work, or nobody."
        )
