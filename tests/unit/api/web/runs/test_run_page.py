"""The page of a run: outcome, what is wrong, the way in time, what is offered, and how often it looks again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from api.actions.executions.views import ErrorView, RenderedFileView, RenderingView
from api.web.execution.offers import Rights
from api.web.execution.timeline import MOST_DELIVERIES
from api.web.execution.view import pace, page_of
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from tests.unit.api.web.runs.build import DUE, NOW, WHEN, delivery, file, run

E, D = ExecutionState, DeliveryState
ALL = Rights(retry=True, correct=True, run=True, download=True, prefect=True)


def rendering(**changes: Any) -> RenderingView:
    """Return a rendering that took three seconds."""
    began = DUE + timedelta(seconds=2)
    made = RenderedFileView(format="pdf", ready=False, began_at=began, ended_at=began + timedelta(seconds=1), rows=None)
    values = {"began_at": began, "ended_at": began + timedelta(seconds=3), "taken_up": True, "failed": False}
    return RenderingView(**{**values, "rows": 12, "files": [made], **changes})


@pytest.mark.parametrize("state", ExecutionState)
@pytest.mark.parametrize("kind", ExecutionKind)
def test_every_state_of_every_kind_has_a_page(state: ExecutionState, kind: ExecutionKind) -> None:
    for deliveries in ([], [delivery("ada@example.com", status) for status in D]):
        page = page_of(run(state, kind=kind, deliveries=deliveries), WHEN, ALL)
        assert page.outcome
        assert page.steps
        assert page.heading == "Carrier punctuality, Mon 23 Nov 2026 09:00 CET"
        assert page.for_you == "03:00 EST"


def test_a_partial_run_names_whom_a_retry_reaches_and_what_failed_comes_first() -> None:
    sent = [delivery(f"p{number}@example.com") for number in range(11)]
    failed = delivery("sales@example.org", D.REFUSED)
    error = ErrorView(id="e-7", message="refused")
    page = page_of(run(E.PARTIAL, deliveries=[*sent, failed], error=error), WHEN, ALL)
    assert "sales@example.org" in page.outcome
    assert "11 of 12" not in page.outcome, "the chip beside it says so"
    assert page.retry == "/executions/e-1/retry"
    assert ("1 of 12" in page.retry_words, "11" in page.retry_words.partition(".")[2]) == (True, True)
    assert page.concern is not None
    assert (page.concern.tone, page.concern.error_id) == ("warn", "e-7")
    assert next(row.recipient for row in page.groups[0].rows) == "sales@example.org"
    assert page.groups[0].count.startswith("11 of 12")


def test_of_many_deliveries_the_way_in_time_tells_the_first_and_the_last() -> None:
    many = [delivery(f"p{number}@example.com") for number in range(MOST_DELIVERIES + 1)]
    few = page_of(run(deliveries=many[:MOST_DELIVERIES]), WHEN, ALL).steps
    assert len(few) - len(page_of(run(deliveries=many), WHEN, ALL).steps) == MOST_DELIVERIES - 2


def test_the_way_in_time_tells_seconds_and_the_length_of_each_part() -> None:
    steps = page_of(run(rendering=rendering(), deliveries=[delivery("ada@example.com")]), WHEN, ALL).steps
    times = [step.at.text if step.at else "" for step in steps]
    assert times == ["09:00:00 CET", "09:00:02 CET", "09:00:05 CET", "09:00:09 CET", "09:00:43 CET"]
    assert "3.0 s" in steps[2].second
    assert "PDF" in steps[2].lines[0]


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (None, ""),
        ({"taken_up": False, "ended_at": None}, "renderer"),
        ({"ended_at": None, "rows": 1_204_000}, "1,204,000 rows"),
    ],
)
def test_a_long_rendering_shows_how_far_it_is(record: dict[str, Any] | None, told: str) -> None:
    shown = run(E.RUNNING, rendering=None if record is None else rendering(**record))
    going_on = [step for step in page_of(shown, WHEN, ALL).steps if step.tone == "run"]
    assert len(going_on) == 1
    assert told in going_on[0].second


def test_what_was_ready_before_says_so() -> None:
    ready = RenderedFileView(format="pdf", ready=True, began_at=None, ended_at=None, rows=None)
    steps = page_of(run(rendering=rendering(files=[ready])), WHEN, ALL).steps
    assert "another run" in steps[2].second


def test_a_run_under_way_has_an_age_and_a_norm() -> None:
    outcome = page_of(run(E.RUNNING, usual_seconds=40.0), WHEN, ALL).outcome
    assert "9 min 58 s" in outcome
    assert "40 s" in outcome


def test_a_silent_run_says_since_when_and_what_happens() -> None:
    heard = run(E.RUNNING, heard_until=NOW - timedelta(minutes=1), usual_seconds=40.0)
    concern = page_of(heard, WHEN, ALL).concern
    assert concern is not None
    assert "09:08:00 CET" in concern.words[0]
    assert not concern.todo
    longer = page_of(heard.model_copy(update={"heard_until": NOW - timedelta(minutes=8)}), WHEN, ALL).concern
    assert longer is not None
    assert longer.todo
    assert page_of(run(E.RUNNING, heard_until=NOW + timedelta(minutes=1)), WHEN, ALL).concern is None


def test_a_run_that_nobody_takes_says_until_when_it_may_begin() -> None:
    waiting = run(E.PENDING, started_at=None, expires_at=DUE + timedelta(hours=4))
    concern = page_of(waiting, WHEN, ALL).concern
    assert concern is not None
    assert "13:00 CET" in " ".join(concern.words)
    early = page_of(run(E.PENDING, started_at=None, due_at=NOW + timedelta(minutes=4)), WHEN, ALL)
    assert (early.concern, "in 4 minutes" in early.outcome) == (None, True)


def test_of_many_who_were_not_reached_some_are_named() -> None:
    lost = [delivery(f"p{number}@example.com", D.FAILED) for number in range(5)]
    page = page_of(run(E.PARTIAL, deliveries=[*lost, delivery("ada@example.com")]), WHEN, ALL)
    assert page.outcome == "It did not reach p0@example.com, p1@example.com, p2@example.com and 2 more."


def test_a_retry_that_would_be_refused_is_told_instead_of_offered() -> None:
    lost = run(E.PARTIAL, deliveries=[delivery("ada@example.com"), delivery("bob@example.com", D.FAILED)])
    page = page_of(lost, WHEN, ALL, no_retry="It is suspended.")
    assert (page.retry, page.no_retry) == ("", "It is suspended.")
    assert page_of(run(), WHEN, ALL, no_retry="It is suspended.").no_retry == "", "nothing is left to retry"


def test_the_files_of_a_sample_are_listed_and_cannot_be_fetched() -> None:
    kept = [file("report.pdf", NOW + timedelta(days=7))]
    real, sample = (page_of(run(artifacts=kept, is_sample=one), WHEN, ALL).files[0] for one in (False, True))
    assert (bool(real.href), bool(sample.href)) == (True, False)
    assert sample.expires.startswith("expires ")


def test_what_is_offered_fits_the_run_and_the_rights() -> None:
    def offered(detail: Any, rights: Rights = ALL) -> tuple[bool, bool, bool]:
        page = page_of(detail, WHEN, rights)
        return bool(page.retry), bool(page.run_it), bool(page.correct)

    sent, lost = delivery("ada@example.com"), delivery("bob@example.com", D.FAILED)
    assert offered(run(deliveries=[sent])) == (False, False, True)
    assert offered(run(E.PARTIAL, deliveries=[sent, lost])) == (True, False, True)
    assert offered(run(E.PARTIAL, deliveries=[sent, lost], corrected_by="e-2")) == (False, False, False)
    assert offered(run(E.PARTIAL, deliveries=[sent, lost], retry_requested_at=NOW)) == (False, False, False)
    assert offered(run(E.FAILED)) == (True, False, False)
    assert offered(run(E.CANCELLED, reason_code="superseded")) == (False, False, False)
    assert offered(run(E.MISSED)) == (False, True, False)
    assert offered(run(E.SKIPPED)) == (False, True, False)
    assert offered(run(kind=ExecutionKind.TEST, deliveries=[sent])) == (False, False, False)
    assert offered(run(E.PARTIAL, deliveries=[sent, lost]), Rights()) == (False, False, False)


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        (run(), "60s"),
        (run(E.RUNNING, started_at=NOW - timedelta(seconds=20)), "1s"),
        (run(E.RUNNING), "5s"),
        (run(kind=ExecutionKind.TEST, status=E.PENDING, requested_at=NOW), "1s"),
        (run(E.RETRYING, next_try_at=NOW + timedelta(seconds=30)), "5s"),
        (run(E.RETRYING, next_try_at=NOW + timedelta(minutes=30)), "15s"),
        (run(E.FAILED, retry_requested_at=NOW), "1s"),
        (run(E.PENDING, due_at=NOW + timedelta(hours=1), requested_at=DUE), "15s"),
    ],
)
def test_the_pace_is_quick_while_somebody_waits(detail: Any, expected: str) -> None:
    assert pace(detail, NOW) == expected


def test_files_that_expired_are_named_and_not_offered() -> None:
    gone = page_of(run(artifacts=[file("a.pdf", NOW - timedelta(days=1))]), WHEN, ALL)
    assert "22 Nov 2026" in gone.files_note
    assert gone.files[0].href == ""
    kept = page_of(run(artifacts=[file("a.pdf", NOW + timedelta(days=1))]), WHEN, ALL)
    assert (kept.files_note, kept.files[0].href) == ("", "/executions/e-1/files/a-a.pdf")
    assert page_of(run(artifacts=[file("a.pdf", NOW + timedelta(days=1))]), WHEN, Rights()).files[0].href == ""


def test_prefect_is_only_offered_to_those_who_may_act() -> None:
    assert [link.href for link in page_of(run(), WHEN, ALL).links] == ["http://prefect/runs/1"]
    assert page_of(run(), WHEN, Rights()).links == ()
