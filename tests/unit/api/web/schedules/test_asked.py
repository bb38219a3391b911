"""Addresses of the list of schedules: what they ask for, and how they are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from api.web.schedules.asked import Asked, read_asked, today_of
from mailroom.states import ScheduleState

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)  # It is tomorrow already in Berlin.
TODAY = today_of(NOW, BERLIN)


def test_an_address_leads_to_what_it_was_written_from() -> None:
    asked = Asked("failing", "a & b", "paused", "orders", "u-1", "email:corp-smtp", "ada@example.com", "week", "name")
    query = asked.link().partition("?")[2]
    from urllib.parse import parse_qsl

    assert read_asked(dict(parse_qsl(query))) == asked
    assert asked.link(cursor="abc").endswith("&cursor=abc")
    assert Asked(view="all").link() == Asked().link() == "/schedules"
    assert Asked(view="mine", search="x", cursor="abc").only_view() == "/schedules?view=mine"


@pytest.mark.parametrize("wrong", ["view", "state", "due", "sort"])
def test_what_nobody_knows_is_left_out(wrong: str) -> None:
    assert read_asked({wrong: "of-a-former-version", "search": " sales "}) == Asked(search="sales")


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (Asked(view="mine"), {"owner": "me"}),
        (Asked(view="mine", owner="u-1"), {"owner": "u-1"}),
        (Asked(view="failing"), {"failing": True}),
        (Asked(state="failing"), {"failing": True}),
        (Asked(view="paused"), {"state": ScheduleState.PAUSED}),
        (Asked(view="failing", state="active"), {"state": ScheduleState.ACTIVE}),
        (Asked(to="email"), {"channel": "email"}),
        (Asked(to="sftp:bank"), {"channel": "sftp", "connection": "bank"}),
        (Asked(report="orders", recipient="ada@example.com"), {"report_id": "orders", "recipient": "ada@example.com"}),
    ],
)
def test_what_it_asks_for_is_a_filter(asked: Asked, wanted: dict[str, object]) -> None:
    assert asked.filter("me", TODAY).model_dump(exclude_none=True) == wanted


def test_a_day_is_the_readers_also_where_the_clocks_change() -> None:
    assert (datetime(2026, 11, 27, tzinfo=BERLIN), datetime(2026, 11, 28, tzinfo=BERLIN)) == TODAY
    begins, ends = today_of(datetime(2027, 3, 28, 12, tzinfo=UTC), BERLIN)
    assert ends.astimezone(UTC) - begins.astimezone(UTC) == timedelta(hours=23)
    tomorrow = Asked(due="tomorrow").filter("me", (begins, ends))
    assert (tomorrow.due_from, tomorrow.due_to) == (ends, datetime(2027, 3, 29, tzinfo=BERLIN) + timedelta(days=1))
    assert Asked(view="today").filter("me", TODAY).due_to == TODAY[1]
