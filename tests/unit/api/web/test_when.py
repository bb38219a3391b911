from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.web.when import When, duration, locale_of, share, size, zone_of

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def reader(zone: str = "Europe/Berlin", locale: str = "en-GB", *, hours24: bool = True) -> When:
    return When(zone_of(zone), locale_of(locale), hours24, NOW)


def test_a_moment_has_its_zone_beside_it() -> None:
    due = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
    found = reader().moment(due, relative=True)
    assert (found.text, found.iso) == ("Mon 30 Nov 2026, 09:00 CET", "2026-11-30T08:00:00Z")
    assert (found.relative, found.for_you) == ("in 4 days", "")
    assert reader().moment(due, short=True).text == "Mon 30 Nov, 09:00 CET"


def test_a_moment_of_another_zone_says_when_it_is_for_the_reader() -> None:
    due = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
    assert reader("America/New_York").moment(due, "Europe/Berlin").for_you == "03:00 EST"
    assert reader("Pacific/Auckland").moment(due + timedelta(hours=6), BERLIN).for_you == "Tue 1 Dec, 03:00 NZDT"
    assert reader("Europe/Paris").moment(due, BERLIN).for_you == ""


def test_a_zone_that_has_only_a_number_is_written_as_one() -> None:
    assert reader("Europe/Istanbul").time(NOW) == "11:00 UTC+03:00"
    assert reader("Asia/Kathmandu").time(NOW) == "13:45 UTC+05:45"


@pytest.mark.parametrize(
    ("locale", "hours24", "words"),
    [
        ("en-US", False, "Mon, Nov 30, 2026, 9:00 AM CET"),
        ("de-DE", True, "Mo., 30. Nov. 2026, 09:00 CET"),
        ("xx-YY", True, "Mon 30 Nov 2026, 09:00 CET"),
        ("../../etc", True, "Mon 30 Nov 2026, 09:00 CET"),
    ],
)
def test_dates_are_written_as_the_reader_is_used_to(locale: str, hours24: bool, words: str) -> None:
    due = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
    assert reader(locale=locale, hours24=hours24).moment(due).text == words


@pytest.mark.parametrize(
    ("apart", "words"),
    [
        (timedelta(seconds=2), "now"),
        (timedelta(seconds=40), "in 40 seconds"),
        (timedelta(minutes=-3), "3 minutes ago"),
        (timedelta(hours=30), "in 30 hours"),
        (timedelta(hours=40), "in 2 days"),
        (timedelta(days=11), "in 11 days"),
        (timedelta(days=-59), "59 days ago"),
        (timedelta(days=90), "in 3 months"),
    ],
)
def test_how_far_away_something_is(apart: timedelta, words: str) -> None:
    assert reader().relative(NOW + apart) == words


def test_an_unknown_zone_is_utc() -> None:
    assert str(zone_of("Mars/Olympus")) == str(zone_of("../..")) == "UTC"


def test_the_year_is_left_out_within_the_present_one() -> None:
    assert reader().day(date(2026, 3, 1), short=True) == "Sun 1 Mar"
    assert reader().day(date(2027, 3, 1), short=True) == "Mon 1 Mar 2027"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.42, "0.4 s"),
        (41, "41 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (7200, "2 h"),
        (12000, "3 h 20 min"),
        (345600, "4 days"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_sizes() -> None:
    assert [size(n) for n in (0, 1, 999, 1_000, 1_234_567, 5_000_000_000_000)] == [
        *("0 bytes", "1 byte", "999 bytes", "1.0 kB", "1.2 MB", "5.0 TB"),
    ]


@given(st.integers(1, 10**7), st.data())
def test_a_share_is_whole_only_if_nothing_is_missing(whole: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(0, whole))
    assert (share(part, whole) == "100 %") == (part == whole)
    assert (share(part, whole) == "0 %") == (part == 0)
