"""Prefect's cron arithmetic, asked directly. The one place that uses its private generator; a test guards it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

_BATCH = 64


def cron_dates(expression: str, timezone: str, after: dt.datetime, until: dt.datetime) -> Iterator[dt.datetime]:
    """UTC instants strictly after `after` and up to `until` at which Prefect's scheduler would insert runs."""
    # Late: the server's schemas take seconds to import and only cron timings need them.
    from prefect.server.schemas.schedules import CronSchedule  # noqa: PLC0415

    schedule = CronSchedule(cron=expression, timezone=timezone)
    last = after
    while True:
        batch = list(schedule._get_dates_generator(n=_BATCH, start=last, end=until))
        fresh = [moment for moment in (date.astimezone(dt.UTC) for date in batch) if moment > last]
        if not fresh:
            return
        yield from fresh
        last = fresh[-1]
