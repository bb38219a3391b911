from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from api.actions.executions.views import ExecutionView
from api.actions.view import PageView
from api.web.drawings.strip import TO_COME
from api.web.parts import Button, Link
from api.web.schedule.actions import actions_of
from api.web.schedule.view import view
from mailroom.schedules.forecast import forecast
from mailroom.schedules.overview.figures import Figures
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.tables import Report
from mailroom.timing import BusinessCalendar
from tests.unit.api.web.schedule.build import ALL, NONE, NOW, WHEN, around, brief, event, page, past, schedule, spec

E, S = ExecutionState, ScheduleState


def test_a_new_one_says_its_first_run_and_what_to_do_until_then() -> None:
    found = view(page(), WHEN, ALL)
    assert (found.chip.words, found.next_term) == ("Active", "First run")
    assert found.next is not None
    assert found.next.text == "Mon 30 Nov 2026, 09:00 CET"
    assert found.empty is not None
    assert found.empty.heading == "First run Mon 30 Nov 2026, 09:00 CET"
    assert "test" in found.empty.words
    seen = view(page(), WHEN, NONE).empty
    assert seen is not None
    assert "test" not in seen.words
    assert len(found.dates) == 5
    assert found.strip is not None
    assert [item.kind for item in found.strip.items] == ["now", *["occurrence"] * 10]
    assert found.figures[0].value == "0"
    assert found.pace == "every 60s"


def test_the_strip_has_what_was_the_marks_between_and_what_comes() -> None:
    rows = past(E.SUCCESS, E.PARTIAL, delivered=11, total=12)
    events = [event("paused", at=NOW - timedelta(days=1, hours=3)), event("created", at=NOW - timedelta(days=90))]
    failing = brief(schedule(last_status=E.PARTIAL))
    found = view(page(failing, rows, events), WHEN, ALL)
    assert found.strip is not None
    items = found.strip.items
    assert [item.kind for item in items[:4]] == ["occurrence", "paused", "occurrence", "now"]
    assert items[2].words == "Wed 25 Nov 2026, 09:00 CET: partly delivered, 11 of 12"
    assert items[2].href == "/executions/e-1"
    assert items[4].words == "Mon 30 Nov 2026, 09:00 CET: to come"
    assert (found.chip.words, found.next_term) == ("Failing", "Next run")
    assert TO_COME


def test_figures_never_say_all_while_something_failed() -> None:
    seen = page(rows=past(E.SUCCESS))
    figures = Figures(deliveries=12_345, runs=3_000, whole=2_999, p95=timedelta(seconds=125))
    found = view(replace(seen, look=replace(seen.look, figures=figures)), WHEN, ALL)
    assert [(one.value, one.second) for one in found.figures[:2]] == [
        ("12,345", "in 2,999 of 3,000 runs everything arrived (99.9 %)"),
        ("within 2 min 5 s", "95 % of the runs"),
    ]


def test_a_run_shows_its_kind_only_where_it_is_not_its_time() -> None:
    rows = [
        ExecutionView(
            id="e-9",
            schedule_id="s-1",
            schedule_name="Punctuality",
            kind=kind,
            due_at=NOW,
            status=E.SUCCESS,
            reason="",
            reason_code=None,
            started_at=NOW,
            completed_at=NOW + timedelta(seconds=41),
            delivered=2,
            total=2,
            error=None,
            artifacts=[],
            test_recipient=None,
            links={},
        )
        for kind in (ExecutionKind.SCHEDULED, ExecutionKind.TEST)
    ]
    found = view(page(runs=PageView(items=rows, next_cursor="next")), WHEN, ALL, status=E.SUCCESS)
    assert [(run.kind, run.took, run.delivered) for run in found.runs] == [
        ("", "41 s", "2 of 2"),
        ("Test", "41 s", "2 of 2"),
    ]
    assert found.pager.next == "/schedules/s-1?cursor=next&state=success#runs"
    assert [link.words for link in found.filters if link.current] == ["Delivered"]


def test_a_change_of_the_clocks_and_a_holiday_are_marked() -> None:
    before = datetime(2027, 3, 25, 8, 0, tzinfo=UTC)
    daily = spec(timing={"frequency": "daily", "at": "02:30", "timezone": "Europe/Berlin"})
    ahead = forecast(daily.timing, BusinessCalendar(), now=before, count=10)
    found = view(replace(page(brief(of=daily)), ahead=ahead), replace(WHEN, now=before), ALL)
    marks = [mark for date in found.dates for mark in date.marks]
    assert any("clocks" in mark for mark in marks)
    assert any(mark.startswith("moved, since 02:30 does not exist") for mark in marks)


def test_a_deleted_one_offers_nothing_but_its_undo() -> None:
    deleted = schedule(S.DELETED, delete_after=NOW + timedelta(minutes=1))
    found = view(page(brief(deleted)), WHEN, ALL)
    assert found.actions.buttons == ()
    assert found.actions.menu is None
    assert {row.change for row in found.summary} == {""}
    assert found.next is None


def test_who_may_only_look_is_told_who_can() -> None:
    assert "Ada" in view(page(), WHEN, NONE).who_can
    assert "An admin" in view(page(brief(around=around(owner=None))), WHEN, NONE).who_can
    assert view(page(), WHEN, ALL).who_can == ""
    assert view(page(events=[event("created")]), WHEN, NONE).changes == ()


def test_a_report_that_is_gone_is_said() -> None:
    found = view(page(brief(around=around(report=None))), WHEN, ALL)
    assert found.summary[0].lines == ("carriers (deleted)",)


@pytest.mark.parametrize(
    ("state", "buttons", "menu"),
    [
        (S.ACTIVE, ["Edit", "Pause", "Send a test to me", "Run now"], ["Reassign", "Backfill", "Delete"]),
        (S.PAUSED, ["Edit", "Resume", "Send a test to me"], ["Reassign", "Delete"]),
        (S.SUSPENDED, ["Edit", "Resume", "Send a test to me"], ["Reassign", "Delete"]),
        (S.FINISHED, ["Edit", "Send a test to me"], ["Reassign", "Delete"]),
    ],
)
def test_the_state_decides_what_is_offered(state: ScheduleState, buttons: list[str], menu: list[str]) -> None:
    found = actions_of(schedule(state), ALL, newest="")
    assert [one.words for one in found.buttons] == buttons
    assert found.menu is not None
    assert [one.words for one in found.menu.items] == ["Duplicate", "Save as template", "View as code", *menu]
    nothing = actions_of(schedule(state), NONE, newest="")
    assert (nothing.buttons, nothing.menu) == ((), None)


def test_prefect_is_linked_where_the_schedule_is_there() -> None:
    found = actions_of(schedule(links={"prefect": "http://prefect.test/d"}), NONE, newest="")
    assert found.menu is not None
    assert found.menu.items == (Link("http://prefect.test/d", "Open in Prefect", icon="external-link"),)


def test_a_form_carries_its_version_and_a_test_the_newest_run() -> None:
    def of(newest: str) -> dict[str, str]:
        forms = [one for one in actions_of(schedule(), ALL, newest=newest).buttons if isinstance(one, Button)]
        return {one.words: str(dict(one.values)) for one in forms}

    before, after = of("e-1"), of("e-2")
    assert before["Pause"] == after["Pause"] == str({"etag": '"3"', "once": f'pause-{schedule().id}-"3"'})
    assert before["Send a test to me"] != after["Send a test to me"]


def test_the_data_have_the_titles_of_the_report() -> None:
    regions = {"type": "string", "title": "Region", "oneOf": [{"const": "EMEA", "title": "Europe and Africa"}]}
    report = Report(id="carriers", title="Carriers", definition={"parameters": {"properties": {"region": regions}}})
    changed = event("changed", changes={"parameters": [{}, {"region": "EMEA"}]})
    found = view(page(brief(around=around(report=report)), events=[changed]), WHEN, ALL)
    assert {row.term: row.lines for row in found.summary}["Which data"] == ("Region: Europe and Africa",)
    assert found.changes[0].parts[0].after == "Region: Europe and Africa"
    gone = view(page(brief(around=around(report=None))), WHEN, ALL)
    assert {row.term: row.lines for row in gone.summary}["Which data"] == ("Region: EMEA",)
