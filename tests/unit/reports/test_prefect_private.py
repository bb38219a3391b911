"""Guards on what we use of Prefect beyond its public API; a new Prefect that changes it turns these red."""

from __future__ import annotations

import datetime as dt
import inspect

import pytest
from prefect._vendor.croniter.croniter import CroniterBadDateError
from prefect.server.schemas.schedules import CronSchedule

from reports.timing.prefect_cron import cron_dates

START = dt.datetime(2026, 3, 28, tzinfo=dt.UTC)


def test_the_schedules_generator_has_its_signature() -> None:
    parameters = inspect.signature(CronSchedule._get_dates_generator).parameters
    assert list(parameters) == ["self", "n", "start", "end"]
    assert inspect.isgeneratorfunction(CronSchedule._get_dates_generator)


async def test_the_generator_says_what_prefects_scheduler_asks() -> None:
    schedule = CronSchedule(cron="30 2 * * *", timezone="Europe/Berlin")
    asked = [date.timestamp() for date in await schedule.get_dates(n=5, start=START)]
    ours = cron_dates("30 2 * * *", "Europe/Berlin", START, START + dt.timedelta(days=9))
    assert [next(ours).timestamp() for _ in range(5)] == asked


def test_a_date_that_never_comes_is_the_vendored_error() -> None:
    schedule = CronSchedule(cron="0 0 30 2 *", timezone="UTC")
    with pytest.raises(CroniterBadDateError):
        list(schedule._get_dates_generator(n=1, start=START))
    assert list(cron_dates("0 0 30 2 *", "UTC", START, START + dt.timedelta(days=4000))) == []
