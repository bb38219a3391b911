"""Prefect's cron arithmetic, asked directly. The one place that uses its private generator; a test guards it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.server.schemas.schedules import CronSchedule

_LARGEST_BATCH = 64


@lru_cache(maxsize=4096)
def _schedule(expression: str, timezone: str) -> CronSchedule:
    """Kept, since Prefect reads the list of time zones from disk for each one it makes."""
    from prefect.server.schemas.schedules import CronSchedule  # noqa: PLC0415

    return CronSchedule(cron=expression, timezone=timezone)


def cron_dates(expression: str, timezone: str, after: dt.datetime, until: dt.datetime) -> Iterator[dt.datetime]:
    """UTC instants strictly after `after` and up to `until` at which Prefect's scheduler would insert runs."""
    # Late: the server's schemas take seconds to import and only cron timings need them.
    from prefect._vendor.croniter.croniter import CroniterBadDateError  # noqa: PLC0415

    schedule = _schedule(expression, timezone)
    last, size = after, 8
    while True:
        try:
            batch = list(schedule._get_dates_generator(n=size, start=last, end=until))
        except CroniterBadDateError:
            return  # Such as 30 February: croniter gives up after 50 years without a date.
        # Prefect answers with a subclass of datetime whose arithmetic differs; ours are plain.
        moments = [dt.datetime.fromtimestamp(date.timestamp(), dt.UTC) for date in batch]
        fresh = [moment for moment in moments if moment > last]
        if not fresh:
            return
        yield from fresh
        last, size = fresh[-1], min(size * 2, _LARGEST_BATCH)
