"""The list of runs: its address is its state, and its words say what narrows it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest

from api.actions.view import PageView
from api.web.executions.filters import Asked, asked, periods, wanted
from api.web.executions.view import list_of
from mailroom.executions.history.course import Course
from mailroom.executions.history.search import MOST
from mailroom.states import ExecutionKind, ExecutionState
from tests.unit.api.web.runs.build import NOW, WHEN, run

BERLIN = ZoneInfo("Europe/Berlin")
QUERY = (
    "state=failed&state=missed&kind=test&course=late&schedule=s-1&destination=connection%3Abank&recipient=ada%40example.com"
    "&error=e-7&from=2026-10-24&until=2026-10-25&period=30d"
)


def test_an_address_is_read_and_written_the_same() -> None:
    given = asked(parse_qsl(QUERY))
    assert given.states == (ExecutionState.FAILED, ExecutionState.MISSED)
    assert given.kinds == (ExecutionKind.TEST,)
    assert given.href() == f"/executions?{QUERY}"
    assert asked(parse_qsl(given.href().partition("?")[2])) == given


@pytest.mark.parametrize(
    "query", ["state=lost", "course=other", "from=tomorrow", "period=9d", "kind=", "cursor=", "from=0001-01-01", "x=1"]
)
def test_what_cannot_be_read_is_left_out(query: str) -> None:
    assert asked(parse_qsl(query)) == Asked()


def test_days_are_those_of_the_visitor_with_the_last_one_included() -> None:
    chosen = wanted(asked(parse_qsl(QUERY)), ["s-1"], BERLIN, NOW)
    assert chosen.due_from == datetime(2026, 10, 23, 22, tzinfo=UTC)
    assert chosen.due_to == datetime(2026, 10, 25, 23, tzinfo=UTC)  # The clocks went back that day.
    assert (chosen.connection, chosen.channel, chosen.schedule_ids) == ("bank", None, ["s-1"])
    assert chosen.course is Course.LATE


def test_a_week_is_shown_unless_an_error_is_looked_for() -> None:
    assert wanted(Asked(), None, BERLIN, NOW).due_from == NOW - timedelta(days=7)
    assert wanted(Asked(error="e-7"), None, BERLIN, NOW).due_from is None
    assert wanted(Asked(period="all"), None, BERLIN, NOW).due_from is None
    assert [link.words for link in periods(Asked()) if link.current] == ["7 days"]
    assert not [link for link in periods(Asked(since=NOW.date())) if link.current]


def test_rows_tell_what_became_of_each_run() -> None:
    rows = [run(state, delivered=11, total=12, lateness_seconds=41.0) for state in ExecutionState]
    view = list_of(Asked(), PageView(items=rows), 9, WHEN, connections=[("bank", "sftp")])
    assert {row.delivered for row in view.rows} == {"11/12"}
    assert view.rows[0].due.text == "Mon 23 Nov, 03:00 EST"
    assert (view.every, "9" in view.count, view.empty) == ("5s", True, None)
    assert list_of(Asked(), PageView(items=[run()]), 1, WHEN, connections=[]).every == "60s"


def test_too_many_to_count_asks_for_days_first() -> None:
    view = list_of(Asked(period="all"), PageView(items=[run()], next_cursor="c"), None, WHEN, connections=[])
    assert f"{MOST:,}" in view.count
    assert view.note
    assert view.pager.next == "/executions?period=all&cursor=c"


def test_an_empty_list_says_why_and_leads_on() -> None:
    nothing = PageView[object](items=[])
    by_time = list_of(Asked(), nothing, 0, WHEN, connections=[]).empty  # type: ignore[arg-type]  # it has no items
    assert by_time is not None
    assert [link.href for link in by_time.links] == ["/executions?period=all"]
    narrowed = list_of(Asked(recipient="nobody@x.org"), nothing, 0, WHEN, connections=[]).empty  # type: ignore[arg-type]  # see above
    assert narrowed is not None
    assert "nobody@x.org" in narrowed.words
    assert narrowed.links[0].href == "/executions"
    ever = list_of(Asked(period="all"), nothing, 0, WHEN, connections=[]).empty  # type: ignore[arg-type]  # see above
    assert ever is not None
    assert ever.links[0].href == "/schedules/new"


def test_a_page_without_hits_leads_to_what_is_earlier() -> None:
    view = list_of(Asked(recipient="a"), PageView[object](items=[], next_cursor="c"), None, WHEN, connections=[])  # type: ignore[arg-type]  # see above
    assert (view.empty, bool(view.pager.words), bool(view.pager.next)) == (None, True, True)
