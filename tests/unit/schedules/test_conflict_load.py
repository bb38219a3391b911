"""The load of many schedules is the sum of what the calculator says of each."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mailroom.schedules.conflicts.load import Load, calendars_in, load, local_day
from mailroom.timing import BusinessCalendar, Timing, occurrences
from mailroom.timing.model import WEEKDAYS
from mailroom.timing.zones import zone_named

TIMING: TypeAdapter[Timing] = TypeAdapter(Timing)
MINUTE = dt.timedelta(minutes=1)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Kiritimati"]
ZONES += ["Africa/Cairo", "Etc/GMT+12", "America/Sao_Paulo"]
CALENDARS = {"de": BusinessCalendar(holidays={dt.date(2026, 10, 26): "closed", dt.date(2027, 3, 29): "closed"})}
AT = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 1, 29, 30, 59]))
BOUNDS = st.sampled_from([{}, {"starts_on": "2026-10-26"}, {"ends_on": "2026-10-25"}, {"ends_on": "2027-03-28"}])
HOLIDAYS = st.sampled_from([{}, *({"calendar": "de", "on_holiday": way} for way in ("skip", "next", "previous"))])


def of(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Timings with these fields, in some zone, with some bounds and holidays."""
    own = {name: value if isinstance(value, st.SearchStrategy) else st.just(value) for name, value in fields.items()}
    shared = st.fixed_dictionaries({"timezone": st.sampled_from(ZONES)})
    return st.tuples(st.fixed_dictionaries(own), shared, BOUNDS, HOLIDAYS).map(
        lambda parts: {name: value for part in parts for name, value in part.items()}
    )


EXPRESSIONS = [
    "{m} {h} * * *",
    "{m} {h} * * mon-fri",
    "{m} */2 * * *",
    "*/30 * * * *",
    "{m} {h},{h2} 1,25 * *",
    "{m} {h} L * *",
]
CRON = st.builds(
    lambda text, m, h: text.format(m=m, h=h, h2=(h + 5) % 24),
    st.sampled_from(EXPRESSIONS),
    st.integers(0, 59),
    st.integers(0, 23),
)
TIMINGS = st.one_of(
    of(frequency="daily", at=AT),
    of(frequency="weekly", at=AT, days=st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True)),
    of(
        frequency="monthly",
        at=AT,
        day=st.sampled_from([1, 25, 31, "last", {"nth": -1, "weekday": "sun"}, {"business_day": -1}]),
    ),
    of(frequency="hourly", every=st.integers(1, 5), until=st.sampled_from(["18:00", "23:59"])),
    of(frequency="cron", expression=CRON),
    st.builds(lambda at: {"frequency": "once", "at": f"2026-10-25T{at}", "timezone": "Europe/Berlin"}, AT),
)
# Days around changes of the clocks, and a week without any.
STARTS = [dt.datetime(2026, 10, 23), dt.datetime(2027, 3, 26, 7), dt.datetime(2027, 4, 1, 22), dt.datetime(2026, 7, 5)]


def stored(timing: Timing) -> str:
    """As the database gives it."""
    return json.dumps(TIMING.dump_python(timing, mode="json", by_alias=True))


@settings(max_examples=150, deadline=None)
@given(
    drawn=st.lists(st.tuples(TIMINGS, st.integers(1, 3)), max_size=8),
    start=st.sampled_from(STARTS),
    hours=st.sampled_from([1, 24, 170]),
)
def test_it_is_the_sum_of_the_calculator(
    drawn: list[tuple[dict[str, Any], int]], start: dt.datetime, hours: int
) -> None:
    begin = start.replace(tzinfo=dt.UTC)
    end = begin + hours * 60 * MINUTE
    timings = [(TIMING.validate_python(timing), count) for timing, count in drawn]
    expected: Counter[dt.datetime] = Counter()
    for timing, count in timings:
        business = CALENDARS.get(timing.calendar or "")
        for moment in occurrences(timing, begin - MINUTE / 60, business, until=end - MINUTE / 60):
            expected[moment] += count
    texts: Counter[str] = Counter()
    for timing, count in timings:
        texts[stored(timing)] += count
    seen = load(texts, CALENDARS, begin, end)
    minutes = [begin + minute * MINUTE for minute in range(hours * 60)]
    assert {moment: seen.at(moment) for moment in minutes if seen.at(moment)} == dict(expected)
    assert sum(seen.curve(begin, end)) == expected.total()


@pytest.mark.parametrize(("day", "quarters"), [("2027-03-28", 92), ("2026-10-25", 100), ("2026-11-30", 96)])
def test_a_days_curve_is_as_long_as_the_day(day: str, quarters: int) -> None:
    start, end = local_day(dt.date.fromisoformat(day), zone_named("Europe/Berlin"))
    assert Load({}).curve(start, end) == [0] * quarters


@pytest.mark.parametrize(("day", "hours"), [("2027-03-28", 23), ("2026-10-25", 25), ("2026-11-30", 24)])
def test_what_repeats_has_a_run_in_each_real_hour(day: str, hours: int) -> None:
    start, end = local_day(dt.date.fromisoformat(day), zone_named("Europe/Berlin"))
    for timing in ({"frequency": "hourly"}, {"frequency": "cron", "expression": "0 * * * *"}):
        text = stored(TIMING.validate_python({**timing, "timezone": "Europe/Berlin"}))
        assert sum(load({text: 1}, {}, start, end).curve(start, end)) == hours


def test_the_busiest_minute_is_the_first_of_the_fullest() -> None:
    start, end = local_day(dt.date(2026, 11, 30), zone_named("UTC"))
    timings = {json.dumps({"frequency": "daily", "at": at, "timezone": "UTC"}): 2 for at in ("10:00", "09:00")}
    assert load(timings, {}, start, end).busiest(start, end) == (start + 9 * 60 * MINUTE, 2)
    assert Load({}).busiest(start, end) is None


def test_calendars_are_found_in_the_text() -> None:
    assert calendars_in(['{"calendar": "de"}', '{"calendar": null}', "{}"]) == {"de"}
