from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from api.actions.schedule.page import SchedulePage
from api.web.parts import Button, Link
from api.web.schedule.banners import Banner, banners
from api.web.schedule.rights import Rights
from mailroom.states import ExecutionState, ScheduleState, SyncState
from mailroom.storage.stop_tables import Stop
from tests.unit.api.web.schedule.build import ALL, NONE, NOW, WHEN, around, brief, event, page, past, schedule

E = ExecutionState
FAULT = "'pdf' is not made by this report. Choose from: csv."


def of(found: SchedulePage, rights: Rights = ALL, *, silent_since: datetime | None = None) -> list[Banner]:
    return list(banners(found, WHEN, rights, "Europe/Berlin", silent_since=silent_since))


@pytest.mark.parametrize("states", [(), (E.SUCCESS,), (E.FAILED, E.SUCCESS), (E.FAILED, E.SKIPPED), (E.RUNNING,)])
def test_one_that_is_well_has_none(states: tuple[ExecutionState, ...]) -> None:
    assert of(page(rows=past(*states))) == []


@pytest.mark.parametrize(
    ("states", "times", "since"),
    [
        ((E.SUCCESS, E.FAILED), "the last run", "Wed 25 Nov 2026"),
        ((E.FAILED, E.SUCCESS, E.PARTIAL, E.SKIPPED, E.FAILED), "the last 2 runs", "Mon 23 Nov 2026"),
        ((E.SUCCESS, E.FAILED, E.RUNNING), "the last run", "Tue 24 Nov 2026"),
    ],
)
def test_a_failing_one_says_since_when(states: tuple[ExecutionState, ...], times: str, since: str) -> None:
    (banner,) = of(page(rows=past(*states, error="Refused.")))
    assert banner.heading == f"Not delivered: {times}, since {since}, 09:00 CET"
    assert banner.tone == "bad"


def test_a_missed_one_is_offered_to_be_run_to_whom_may_run_it() -> None:
    rows = past(E.MISSED)
    assert of(page(rows=rows))[0].do == Link("/schedules/s-1/run", "Run it now")
    assert of(page(rows=rows), NONE)[0].do == Link("/executions/e-0", "See what failed")


def test_a_suspended_one_says_what_suspended_it() -> None:
    suspended = brief(schedule(ScheduleState.SUSPENDED))
    failures = page(suspended, past(E.FAILED), [event("test"), event("suspended", consecutive_failures=5)])
    assert of(failures)[0].heading == "Suspended since Thu 26 Nov 2026, 09:00 CET, after 5 failures in a row"
    assert of(failures)[0].do == Link("/executions/e-0", "See what failed")
    owner = page(suspended, events=[event("suspended", owner="bob@example.com")])
    assert "bob@example.com" in of(owner)[0].lines[0]
    assert of(owner)[0].do == Link("/schedules/s-1/reassign", "Give it to another owner")
    assert of(owner, NONE)[0].do is None
    report = page(
        suspended,
        events=[
            event(
                "suspended",
                report="carriers",
                faults=[f"formats.0: {FAULT}"],
            )
        ],
    )
    undone = page(
        suspended,
        events=[
            event(
                "undeleted",
                state="suspended",
                faults=[f"formats.0: {FAULT}"],
            )
        ],
    )
    for found in (report, undone):
        assert of(found)[0].lines[0] == FAULT
        assert of(found)[0].do == Link("/schedules/s-1/edit", "Change the schedule")


def test_one_that_was_deleted_while_suspended_says_why_it_was() -> None:
    suspended = brief(schedule(ScheduleState.SUSPENDED))
    undone = event("undeleted", state="suspended", faults=[])
    events = [undone, event("deleted"), event("suspended", consecutive_failures=2)]
    assert "2 failures" in of(page(suspended, events=events))[0].heading


def test_a_deleted_one_can_be_brought_back_by_whom_may_delete_it() -> None:
    deleted = brief(schedule(ScheduleState.DELETED, delete_after=NOW + timedelta(minutes=9)))
    (banner,) = of(page(deleted))
    assert isinstance(banner.do, Button)
    assert banner.do.action == "/schedules/s-1/undelete"
    assert "Thu 26 Nov 2026, 09:09 CET" in banner.lines[0]
    assert of(page(deleted), NONE)[0].do is None


def test_a_stop_is_told_whole_or_in_part() -> None:
    stop = Stop(scope="connection", target="smtp", reason="The wrong prices.", stopped_at=NOW)
    partly = page(brief(around=around(stops=(stop,))))
    assert of(partly)[0].heading.startswith("The connection smtp is stopped since ")
    assert of(partly)[0].lines[0].endswith("What goes elsewhere is sent.")
    whole = page(brief(around=around(stops=(stop,), held=stop)))
    assert "elsewhere" not in of(whole)[0].lines[0]


def test_prefect_being_away_or_refusing_is_told() -> None:
    assert of(page(), silent_since=NOW)[0].heading == "Prefect is not answering since Thu 26 Nov 2026, 09:00 CET"
    view = schedule()
    refused = view.model_copy(update={"sync": view.sync.model_copy(update={"state": SyncState.ERROR})})
    assert of(page(brief(refused)))[0].tone == "bad"
