"""The step about the frequency: nine kinds survive the way through the form, and faults find their field."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.actions.load.around import Around
from api.actions.schedules.views import DueTimeView, PreviewView
from api.web.choices.zones import zone_label, zone_options
from api.web.forms import Form
from api.web.parts import Field
from api.web.when import When, locale_of
from api.web.wizard.steps.frequency_fields import FrequencyFields, fields
from api.web.wizard.steps.frequency_form import KINDS, place, read
from api.web.wizard.steps.frequency_preview import panel
from api.web.wizard.steps.frequency_words import say
from mailroom.errors import Fault, Limited
from mailroom.executions.policy import Policy
from mailroom.schedules.forecast import forecast
from mailroom.timing import TIMING, BusinessCalendar

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
WHEN = When(ZoneInfo("Europe/Berlin"), locale_of("en-GB"), hours24=True, now=NOW)
ZONE = {"timezone": "Europe/Berlin"}
TIMINGS: list[dict[str, Any]] = [
    {"frequency": "daily", "at": "09:00"},
    {"frequency": "weekly", "days": ["mon", "fri"], "at": "08:30"},
    {"frequency": "monthly", "day": 31, "at": "09:00"},
    {"frequency": "monthly", "day": "last", "at": "09:00", "calendar": "office", "on_holiday": "next"},
    {"frequency": "monthly", "day": {"nth": -1, "weekday": "fri"}, "at": "09:00"},
    {"frequency": "monthly", "day": {"business_day": -7}, "at": "09:00"},
    {"frequency": "quarterly", "month_of_quarter": 2, "day": {"business_day": 3}, "at": "09:00"},
    {"frequency": "yearly", "month": 12, "day": {"nth": 2, "weekday": "tue"}, "at": "09:00", "ends_on": "2030-01-01"},
    {"frequency": "hourly", "every": 3, "from": "06:00", "until": "18:00"},
    {"frequency": "hourly", "every": 1, "from": "00:00", "until": "23:59", "days": ["sat"]},
    {"frequency": "once", "at": "2026-12-24T09:00", "starts_on": "2026-12-01"},
    {"frequency": "immediate"},
    {"frequency": "cron", "expression": "30 2 * 3 *"},
]


def drawn(value: dict[str, Any], errors: dict[str, tuple[str, ...]] | None = None) -> FrequencyFields:
    zones = zone_options("Europe/Berlin", ["Asia/Tokyo"], NOW)
    return fields(value, errors or {}, zone="Europe/Berlin", zones=zones, calendars=[("office", "Office")])


def sent(view: FrequencyFields) -> Form:
    """Send the form as a browser does, with the fields of every kind in it."""
    chosen = next(kind.value for kind in view.kinds if kind.chosen)
    every = [*(one for kind in view.kinds for one in kind.fields), view.zone, *view.days, *view.trouble]
    return Form((("frequency", chosen), *(pair for one in every for pair in _pairs(one))))


def _pairs(one: Field) -> list[tuple[str, str]]:
    return [(one.name, text) for text in ((one.value,) if isinstance(one.value, str) else one.value)]


@pytest.mark.parametrize("timing", TIMINGS, ids=lambda timing: json.dumps(timing)[:40])
def test_a_timing_survives_the_form(timing: dict[str, Any]) -> None:
    policy = {"overlap": "allow", "catchup": "none", "expires_after": "PT2H", "jitter": "PT0S"}
    policy |= {"notify_recipients": "late"}
    policy |= {"pause_after_failures": 3, "max_attempts": 9}  # type: ignore[dict-item]  # A policy has numbers, too.
    found = read(sent(drawn({"timing": timing | ZONE, "policy": policy})))
    assert found == {"timing": timing | ZONE, "policy": policy}
    TIMING.validate_python(found["timing"])
    Policy.model_validate(found["policy"])


def test_every_kind_can_be_chosen_and_starts_with_something_sensible() -> None:
    view = drawn({})
    assert tuple(kind.value for kind in view.kinds) == KINDS
    assert [kind.value for kind in view.kinds if kind.chosen] == ["weekly"]
    proposed = read(sent(view))
    assert proposed["timing"] == {"frequency": "weekly", "days": ["mon"], "at": "09:00", **ZONE}
    assert proposed["policy"]["max_attempts"] == 8
    assert (view.days_open, view.trouble_open) == (False, False)


def test_what_is_no_time_stays_as_it_was_typed() -> None:
    wrong = {"timing": {"frequency": "daily", "at": "noon", "ends_on": "tomorrow", **ZONE}}
    view = drawn(wrong, {"daily-at": ("Enter a time.",)})
    (at,) = next(kind.fields for kind in view.kinds if kind.chosen)
    assert (at.control, at.value, at.errors) == ("text", "noon", ("Enter a time.",))
    assert read(sent(view))["timing"] == wrong["timing"]
    assert view.days_open


@pytest.mark.parametrize(
    ("field", "kind", "name"),
    [
        ("timing.days", "weekly", "weekly-days"),
        ("timing.day.1", "monthly", "monthly-day"),
        ("timing", "cron", "cron-expression"),
        ("timing", "daily", "daily-at"),
        ("timing.at", "once", "once-date"),
        ("timing.timezone", "daily", "timezone"),
        ("timing", "", "frequency"),
        ("policy.jitter", "daily", "jitter"),
        ("policy", "daily", "overlap"),
    ],
)
def test_a_fault_finds_its_field(field: str, kind: str, name: str) -> None:
    assert place(Fault(field, "x"), kind) == name
    names = {one.name for one in _every(drawn({"timing": {"frequency": kind}} if kind else {}))} | {"frequency"}
    assert name in names


def _every(view: FrequencyFields) -> list[Field]:
    return [*(one for kind in view.kinds for one in kind.fields), view.zone, *view.days, *view.trouble]


def test_faults_are_said_in_words() -> None:
    often = Fault("timing", "x", limited=Limited("interval_seconds", 3600, 1800, "an administrator"))
    words = say(often, {"timing": {"frequency": "cron"}})
    assert ("30 minutes" in words, "1 hour" in words, "MAILROOM_" in words) == (True, True, False)
    never = Fault("timing", "This timing has no due time in the next nine years.")
    assert "1 December 2026" in say(never, {"timing": {"frequency": "daily", "ends_on": "2026-12-01"}})
    assert say(Fault("timing.at", "x"), {"timing": {"frequency": "daily"}}) == "Enter a time, such as 09:00."


def preview(timing: dict[str, Any], business: BusinessCalendar | None = None) -> PreviewView:
    ahead = forecast(TIMING.validate_python(timing), business or BusinessCalendar(), now=NOW)
    due = [DueTimeView.model_validate(one) for one in ahead.due]
    return PreviewView(words=ahead.words, next_runs=due, warnings=[])


def test_dates_have_their_marks() -> None:
    timing = {"frequency": "monthly", "day": 28, "at": "02:30", **ZONE}
    shown = panel(preview(timing), None, timing, WHEN)
    assert len(shown.dates) == 10
    marks = [mark.words for date in shown.dates for mark in date.marks]
    assert "02:30 does not exist that day, sent at 03:00" in marks
    assert "clocks go forward: from here UTC+02:00" in marks
    assert "clocks go back: from here UTC+01:00" not in marks
    holiday = {"frequency": "weekly", "days": ["sat"], "at": "09:00", "calendar": "office", "on_holiday": "next"} | ZONE
    moved = panel(preview(holiday), None, holiday, WHEN).dates[0]
    assert moved.moment.text.startswith("Mon 30 Nov 2026")
    assert moved.marks[0].words.startswith("moved from Sat 28 Nov")


def test_a_crowded_minute_comes_with_its_remedy() -> None:
    timing = {"frequency": "daily", "at": "09:00", **ZONE}
    at = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
    runs = [0] * 96
    runs[36] = 212
    crowded = Around(at - timedelta(hours=9), runs, 36, at, 212, at + timedelta(minutes=7), 3)
    shown = panel(preview(timing), crowded, timing, WHEN)
    assert shown.crowd is not None
    assert (shown.crowd.use, "212 others" in shown.crowd.words) == ("09:07", True)
    assert shown.chart is not None
    assert [bar.own for bar in shown.chart.bars] == [True]
    stale = panel(preview(timing), crowded, timing, WHEN, stale=True, faults=["x"])
    assert (stale.crowd, stale.chart, stale.faults, len(stale.dates)) == (None, None, ("x",), 10)


def test_the_nearest_zones_come_first() -> None:
    options = zone_options("Europe/Berlin", ["Asia/Tokyo"], NOW)
    assert [one.value for one in options[:3]] == ["Europe/Berlin", "UTC", "Asia/Tokyo"]
    assert len({one.value for one in options}) == len(options) > 300
    assert zone_label("Europe/Berlin", NOW) == "Europe/Berlin (now CET, UTC+01:00)"
    assert zone_label("Asia/Dubai", NOW) == "Asia/Dubai (now UTC+04:00)"
