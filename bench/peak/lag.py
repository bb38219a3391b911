"""Part `lag`: how long after its due time an execution starts when few are due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bench.peak import registering, work
from bench.peak.measuring import quantiles
from bench.peak.options import Options
from bench.peak.stack import Stack
from bench.peak.waiting import say, sleep_until, wait_for

PREFIX = "lag"
A_MINUTE = 20


def measure(stack: Stack, options: Options) -> dict[str, Any]:
    """20 due in each of a few minutes: due time to the execution's start."""
    n = A_MINUTE * options.lag_minutes
    first = registering.due_minute(n)
    last = first + timedelta(minutes=options.lag_minutes - 1)
    say(f"lag: {A_MINUTE} due a minute from {first:%H:%M} to {last:%H:%M}")

    def timing(number: int) -> dict[str, Any]:
        return work.at(first + timedelta(minutes=number // A_MINUTE))

    registering.register(stack, n, 1, timing, PREFIX)
    registering.runs_inserted(stack, n, first, last)
    query = f"""SELECT due_at, started_at FROM schedule_executions e JOIN export_schedules s ON s.id = e.schedule_id
        WHERE s.name LIKE '{PREFIX} %' AND e.started_at IS NOT NULL"""
    sleep_until(last)
    wait_for(f"{n} starts", lambda: len(stack.backend.rows(query)) >= n, 300)
    lags = [(_instant(started) - _instant(due)).total_seconds() for due, started in stack.backend.rows(query)]
    wait_for(f"{n} mails", lambda: len(stack.sink.taken) >= n, 300)
    found = quantiles(lags)
    say(f"lag of {len(lags)} starts: {found}")
    return {"start_lag_p99_s": found and found["p99"]}


def _instant(value: Any) -> datetime:
    """SQLite gives text, without a zone."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
