"""Which day and week a user is told about, in the user's own zone."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from mailroom.setting_groups.telling import TellingSettings
from mailroom.telling.people import Person, by_period
from mailroom.telling.periods import Period, digest_period, summary_period
from mailroom.timing.zones import known_zone

SETTINGS = TellingSettings()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def digest(zone: str, now: str, settings: TellingSettings = SETTINGS) -> Period:
    found = digest_period(zone, settings, now=at(now))
    assert found is not None
    return found


def summary(zone: str, now: str, settings: TellingSettings = SETTINGS) -> Period:
    found = summary_period(zone, settings, now=at(now))
    assert found is not None
    return found


def test_a_digest_is_due_at_the_hour_of_the_user_and_not_before() -> None:
    assert digest("Europe/Berlin", "2026-11-26T07:00").key == "2026-11-26"
    assert digest_period("Europe/Berlin", SETTINGS, now=at("2026-11-26T06:59:59")) is None
    assert digest("Asia/Kathmandu", "2026-11-26T02:15").key == "2026-11-26"  # 5:45 ahead of UTC.
    assert digest("America/Los_Angeles", "2026-11-26T07:00", TellingSettings(digest_at=time(23))).key == "2026-11-25"


def test_days_follow_each_other_without_gap_or_overlap_over_a_year() -> None:
    for zone in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"):
        now, before = datetime(2026, 1, 1, 23, tzinfo=UTC), None
        lengths = set()
        for day in range(366):
            found = digest_period(zone, SETTINGS, now=now + timedelta(days=day))
            if found is None or found == before:
                continue
            if before is not None:
                assert found.begin == before.end
            lengths.add(found.end - found.begin)
            before = found
        assert timedelta(days=1) in lengths
        assert len(lengths) == 3, zone  # A shorter day in spring and a longer one in autumn.


def test_an_hour_that_does_not_exist_is_taken_at_the_end_of_the_gap() -> None:
    settings = TellingSettings(digest_at=time(2, 30))
    found = digest("Europe/Berlin", "2027-03-28T12:00", settings)
    assert (found.key, found.due) == ("2027-03-28", at("2027-03-28T01:00"))


def test_an_hour_that_comes_twice_counts_the_first_time_only() -> None:
    settings = TellingSettings(digest_at=time(2, 30))
    first = digest("Europe/Berlin", "2026-10-25T00:30", settings)
    again = digest("Europe/Berlin", "2026-10-25T01:30", settings)
    assert first == again
    assert first.due == at("2026-10-25T00:30")


def test_a_digest_is_not_sent_long_after_its_time() -> None:
    assert digest("UTC", "2026-11-27T04:00").key == "2026-11-26"
    assert digest_period("UTC", SETTINGS, now=at("2026-11-27T04:00:01")) is None


def test_a_summary_is_due_on_monday_and_about_the_week_before_it() -> None:
    found = summary("Europe/Berlin", "2026-11-30T07:00")
    assert found.key == "2026-11-30"
    assert (found.begin, found.end) == (at("2026-11-22T23:00"), at("2026-11-29T23:00"))
    assert found.until == at("2026-12-06T23:00")
    assert summary_period("Europe/Berlin", SETTINGS, now=at("2026-11-30T06:59")) is None  # The last was a week ago.
    assert summary("Europe/Berlin", "2026-12-02T07:00").key == "2026-11-30"
    assert summary_period("Europe/Berlin", SETTINGS, now=at("2026-12-02T07:00:01")) is None


@pytest.mark.parametrize(
    ("now", "hours"), [("2026-10-26T09:00", 169), ("2027-03-29T09:00", 167), ("2026-11-30T09:00", 168)]
)
def test_a_week_has_an_hour_more_or_less_where_the_clocks_change(now: str, hours: int) -> None:
    found = summary("Europe/Berlin", now)
    assert found.end - found.begin == timedelta(hours=hours)


def test_the_day_of_the_summary_is_a_setting() -> None:
    settings = TellingSettings(summary_day="fri", summary_at=time(16))
    assert summary("UTC", "2026-11-27T16:00", settings).key == "2026-11-27"


def test_a_zone_that_is_in_no_list_any_more_is_utc() -> None:
    assert known_zone("Mars/Olympus") == "UTC"
    assert digest("Mars/Olympus", "2026-11-26T08:00").due == at("2026-11-26T08:00")


def test_people_of_one_offset_are_read_together() -> None:
    people = [Person(str(n), "", "", zone) for n, zone in enumerate(("Europe/Berlin", "Europe/Paris", "UTC"))]

    def period(zone: str) -> Period | None:
        return digest_period(zone, SETTINGS, now=at("2026-11-26T09:00"))

    assert sorted(len(group) for group in by_period(people, period).values()) == [1, 2]
