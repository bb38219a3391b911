"""The year of a calendar, its form, and what a change moves in words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.actions.calendars.views import CalendarView, EffectView, MovedView
from api.web.calendar import form as calendar_form
from api.web.calendar import view
from api.web.calendar.year import year_of
from api.web.calendars import view as listed
from api.web.when import When, locale_of
from mailroom.calendars.spec import CalendarDefinition
from mailroom.errors import Fault
from mailroom.timing import BusinessCalendar

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
WHEN = When(ZoneInfo("UTC"), locale_of("en-GB"), hours24=True, now=NOW)


@pytest.mark.parametrize(("locale", "first"), [("en-GB", "Monday"), ("en-US", "Sunday")])
def test_a_year_has_every_day_once_and_begins_weeks_as_its_reader_does(locale: str, first: str) -> None:
    year = year_of(BusinessCalendar(), 2028, today=date(2028, 2, 29), locale=locale_of(locale))
    days = [day for month in year.months for week in month.weeks for day in week if day]
    assert (len(days), year.heads[0][1], year.worked) == (366, first, 260)
    assert [day.words for day in days if day.today] == ["Tuesday 29 February 2028"]


def test_a_day_says_in_words_what_it_is() -> None:
    business = CalendarDefinition.model_validate(
        {"holidays": [{"date": "2026-12-24", "name": "Closed"}], "working_days": ["2026-12-05"]}
    ).business()
    year = year_of(business, 2026, today=date(2026, 1, 1), locale=locale_of("en-GB"))
    days = {day.number: day for week in year.months[11].weeks for day in week if day}
    assert days[24].words == "Thursday 24 December 2026: Closed"
    assert (days[24].holiday, days[5].extra, days[6].off, days[7].off) == (True, True, True, False)


def test_a_form_is_read_line_by_line() -> None:
    values = {"title": "T", "place": "DE-BY", "weekend": ["sun"], "working_days": "2026-12-05\n\n"}
    body = calendar_form.body({**values, "holidays": "2026-12-24: Closed\n2026-12-31\nnonsense here"})
    assert (body["country"], body["subdivision"], body["working_days"]) == ("DE", "BY", ["2026-12-05"])
    assert body["holidays"] == [
        {"date": "2026-12-24", "name": "Closed"},
        {"date": "2026-12-31", "name": "Day off"},
        {"date": "nonsense", "name": "here"},
    ]


def test_a_wrong_line_is_named() -> None:
    values = {"title": "T", "holidays": "2026-12-24 Closed\nnonsense here", "working_days": ""}
    drawn = calendar_form.form_of(values, faults=[Fault("holidays.1.date", "This is no day.", "Write one.")])
    assert drawn.holidays.errors[0].startswith("Line 2 “nonsense here”")
    assert drawn.faults[0].target == "holidays"


def test_every_place_is_one_that_the_calendar_knows() -> None:
    values = [one.value for one in calendar_form.places() if one.value]
    assert len(values) == len(set(values)) > 100
    for value in values[::40]:
        country, _, part = value.partition("-")
        CalendarDefinition.model_validate({"country": country, "subdivision": part or None})


@pytest.mark.parametrize(
    ("was", "becomes", "words"),
    [
        (datetime(2026, 12, 25, 9, tzinfo=UTC), datetime(2026, 12, 28, 9, tzinfo=UTC), "from Fri 25 Dec, 09:00 UTC to"),
        (datetime(2026, 12, 25, 9, tzinfo=UTC), None, "falls away"),
        (None, datetime(2026, 12, 25, 9, tzinfo=UTC), "is new"),
    ],
)
def test_a_move_in_words(was: datetime | None, becomes: datetime | None, words: str) -> None:
    moved = MovedView(schedule_id="s", name="Daily", timezone="UTC", was=was, becomes=becomes)
    assert words in view.how(moved, WHEN)
    effect = EffectView(used_by=3, count=2, moved=[moved], hidden=1, not_looked_at=0)
    told = view.effect(effect, WHEN, {"title": "T", "weekend": ["sat", "sun"]}, '"1"')
    assert told.heading == "This moves 2 schedules"
    assert "may not see" in told.more
    assert [pair for pair in told.hidden if pair[0] == "weekend"] == [("weekend", "sat"), ("weekend", "sun")]


def test_an_empty_list_has_three_to_start_from_for_whoever_may() -> None:
    pages: list[Any] = [listed.page([], WHEN, may_create=may) for may in (True, False)]
    assert [len(page.starts) for page in pages] == [3, 0]
    found = CalendarView(id="a", title="A", etag='"1"', updated_at=NOW, used_by=1)
    assert listed.page([found], WHEN, may_create=True).rows[0].used_by == "1 schedule"
