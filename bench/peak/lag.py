"""Part `lag`: how long after its due time an execution starts when few are due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bench.peak import registering, work
from bench.peak.bound import Bound
from bench.peak.measuring import quantiles
from bench.peak.options import Options
from bench.peak.result import EARLY
from bench.peak.stack import Stack
from bench.peak.waiting import EndedEarly, say

PREFIX = "lag"
A_MINUTE = 20


def measure(stack: Stack, options: Options, bound: Bound) -> dict[str, Any]:
    """Measure from the due time to the execution's start, with 20 due in each of a few minutes."""
    n = A_MINUTE * options.lag_minutes
    first = registering.due_minute(n)
    last = first + timedelta(minutes=options.lag_minutes - 1)
    say(f"lag: {A_MINUTE} due a minute from {first:%H:%M} to {last:%H:%M}")

    def timing(number: int) -> dict[str, Any]:
        return work.at(first + timedelta(minutes=number // A_MINUTE))

    registering.register(stack, n, 1, timing, PREFIX, bound)
    registering.runs_inserted(stack, n, first, last, bound)
    query = f"""SELECT due_at, started_at FROM schedule_executions e JOIN export_schedules s ON s.id = e.schedule_id
        WHERE s.name LIKE '{PREFIX} %' AND e.started_at IS NOT NULL"""
    early = ""
    try:
        bound.sleep_until(last)
        bound.wait_for(f"{n} starts", lambda: len(stack.backend.rows(query)) >= n, 300)
        bound.wait_for(f"{n} mails", lambda: len(stack.sink.taken) >= n, 300)
    except EndedEarly as ended:
        early = str(ended)
    lags = [(_instant(started) - _instant(due)).total_seconds() for due, started in stack.backend.rows(query)]
    found = quantiles(lags)
    say(f"lag of {len(lags)} starts: {found}")
    note = {EARLY: f"{len(lags)} of {n} had started; {early}"} if early else {}
    return {"start_lag_p99_s": found and found["p99"], **note}


def _instant(value: Any) -> datetime:
    """SQLite gives text, without a zone."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
