from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from api.actions.backfill.views import BackfillView, LeftOutView
from api.web.schedule import asking, saying
from mailroom.schedules.overview.reach import reach_of
from mailroom.states import ScheduleState
from mailroom.storage.stop_tables import Stop
from tests.unit.api.web.schedule.build import NOW, SPEC, WHEN, around, brief, event, schedule, spec

MAIL = SPEC.destinations[0]


def test_a_run_now_says_whom_it_reaches() -> None:
    found = asking.run_now(brief(), once="k")
    assert found.lines[0] == "Run now: the PDF and XLSX go to 2 people and 1 folder."
    assert found.people == ("ada@example.com", "bob@example.com")
    assert found.places == ("Folder through shared, Path: {date}.{ext}",)
    assert found.do is not None
    assert (found.do.words, dict(found.do.values)) == (
        "Run now: send to 2 people and 1 folder",
        {"etag": '"3"', "once": "k"},
    )


@pytest.mark.parametrize("state", [one for one in ScheduleState if one is not ScheduleState.ACTIVE])
def test_only_an_active_one_can_run_now(state: ScheduleState) -> None:
    assert asking.run_now(brief(schedule(state)), once="k").do is None


def test_what_keeps_a_run_back_is_said_before() -> None:
    stop = Stop(scope="connection", target="smtp", reason="The wrong prices.", stopped_at=NOW)
    (held,) = asking.run_now(brief(around=around(stops=(stop,), held=stop)), once="k").held
    assert held.startswith("Sending is stopped: The wrong prices.")
    (partly,) = asking.run_now(brief(around=around(stops=(stop,))), once="k").held
    assert partly.startswith("Sending by smtp is stopped")
    assert len(asking.run_now(brief(), once="k", silent=True).held) == 1


@pytest.mark.parametrize(
    ("destinations", "words"),
    [
        ([MAIL], "2 people"),
        ([{**MAIL, "to": ["ADA@example.com"], "cc": ["ada@example.com"]}], "1 person"),
        ([MAIL, {**MAIL, "to": ["bob@example.com", "eve@example.com"]}], "3 people"),
        ([SPEC.destinations[1], {**SPEC.destinations[1], "path": "b.{ext}"}], "2 folders"),
        ([{"channel": "no-such-channel"}], "nobody"),
    ],
)
def test_people_are_counted_once_and_places_by_kind(destinations: list[dict[str, object]], words: str) -> None:
    assert saying.reach_words(reach_of(spec(destinations=destinations))) == words


def test_one_format_goes_and_several_go() -> None:
    assert saying.goes_to(reach_of(spec(formats=["pdf"]))) == "The PDF goes to 2 people and 1 folder"


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, ""), (1, "1 run in the next 7 days falls away."), (3, "3 runs in the next 7 days fall away.")],
)
def test_what_falls_away_by_a_pause_is_counted(count: int, words: str) -> None:
    assert saying.falls_away(count) == words


def test_a_backfill_begins_with_the_last_week_and_shows_what_would_run() -> None:
    fields = {one.name: one.value for one in asking.backfill(brief(), WHEN, {}, once="k").fields}
    assert (fields["from"], fields["until"], fields["again"]) == ("2026-11-19", "2026-11-26", "")
    due = [datetime(2026, 9, 1, 7, 0, tzinfo=UTC) + timedelta(days=7 * number) for number in range(32)]
    left = [LeftOutView(due_at=NOW, reason="Its execution is running.")]
    view = BackfillView(due=due, executions=[], left_out=left)
    given = {"from": "2026-09-01", "until": "2026-11-26"}
    preview = asking.backfill(brief(), WHEN, given, once="k", found=view).preview
    assert preview is not None
    assert (preview.heading, len(preview.due), preview.more) == ("32 runs would start", 30, "and 2 more")
    assert preview.reaches == "Each: the PDF and XLSX go to 2 people and 1 folder."
    assert preview.left_out[0][0].text == "Thu 26 Nov 2026, 09:00 CET"
    assert preview.do is not None
    assert dict(preview.do.values) == {"etag": '"3"', "once": "k", **given}
    nothing = asking.backfill(brief(), WHEN, given, once="k", found=BackfillView(due=[], executions=[], left_out=[]))
    assert nothing.preview is not None
    assert nothing.preview.do is None


@pytest.mark.parametrize(
    ("first", "last", "wrong"),
    [
        ("2026-11-20", "2026-11-26", []),
        ("", "2026-11-26", ["from"]),
        ("yesterday", "", ["from", "until"]),
        ("2026-11-25", "2026-11-20", ["from"]),
        ("2026-11-25", "2026-11-27", ["until"]),
    ],
)
def test_days_are_checked_in_the_words_of_the_page(first: str, last: str, wrong: list[str]) -> None:
    faults = asking.day_faults({"from": first, "until": last}, NOW.date())
    assert [fault.field for fault in faults] == wrong
    assert not any("`" in fault.message for fault in faults)


def test_a_stale_form_is_told_only_what_came_after_it() -> None:
    events = [event("paused"), event("test"), event("changed", changes={"name": ["A", "B"]}), event("resumed")]
    found = asking.stale(schedule(), events, WHEN, seen='"1"', again=None)
    assert [change.what for change in found.changes] == ["Paused it", "Changed name"]
    assert asking.versions_between("no version", '"3"') == 1
    assert asking.versions_between('"3"', '"3"') == 1
