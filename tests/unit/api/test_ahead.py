"""See that what is remembered of a timing is what would be worked out now."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from api.actions.schedules import ahead
from mailroom.schedules.forecast import forecast
from mailroom.schedules.spec import ScheduleSpec
from mailroom.timing import BusinessCalendar
from tests.support.samples import schedule_body

OFFICE = BusinessCalendar(holidays={date(2026, 12, 1): "Closed"})


def _spec(**timing: Any) -> ScheduleSpec:
    return ScheduleSpec.model_validate(
        schedule_body(timing={"frequency": "daily", "at": "09:00", "timezone": "Europe/Berlin", **timing})
    )


@pytest.fixture(autouse=True)
def _nothing_is_known() -> None:
    ahead._KNOWN.clear()


@pytest.mark.parametrize("business", [BusinessCalendar(), OFFICE])
def test_it_is_the_same_as_worked_out_at_every_moment(business: BusinessCalendar) -> None:
    """Over the change of the clocks on 29 March 2026, forwards and then back again."""
    specs = [_spec(), _spec(at="17:30"), _spec(on_holiday="next", calendar="office")]
    moments = [datetime(2026, 3, 27, tzinfo=UTC) + timedelta(hours=7 * step) for step in range(20)]
    for now in [*moments, *reversed(moments)]:
        for spec in specs:
            wanted = forecast(spec.timing, business, now=now, count=ahead.SHOWN_RUNS, jitter=spec.policy.jitter)
            assert ahead.ahead_of(spec, business, now) == wanted, now


def test_it_is_worked_out_once_until_the_first_one_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    worked_out = []

    def counted(*given: Any, **named: Any) -> Any:
        worked_out.append(named["now"])
        return forecast(*given, **named)

    monkeypatch.setattr(ahead, "forecast", counted)
    morning = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)
    for minutes in (0, 30, 119, 121, 180):
        ahead.ahead_of(_spec(), BusinessCalendar(), morning + timedelta(minutes=minutes))
    assert worked_out == [morning, morning + timedelta(minutes=121)]
    ahead.ahead_of(_spec(), OFFICE, morning + timedelta(minutes=180))
    assert len(worked_out) == 3, "another calendar, another forecast"
