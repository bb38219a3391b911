"""The gate, policy by policy and situation by situation."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.executions.policy import CATCH_UP_MOST, Policy
from mailroom.executions.reasons import Reason, because
from mailroom.executions.reasons import ReasonCode as C
from mailroom.passes.gate import Closed, Open, Situation, Unfinished, Wait, gate, may_send, start_of
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState

DUE = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
NORMAL = Situation(
    kind=ExecutionKind.SCHEDULED,
    schedule_state=ScheduleState.ACTIVE,
    owner_active=True,
    due_at=DUE,
    starts_at=DUE,
    now=DUE + timedelta(seconds=3),
    policy=Policy(),
)
RUNNING = Unfinished("e-1", DUE - HOUR)
WAITING = Unfinished("e-2", DUE - HOUR / 2, waits=True)
LATE = DUE + timedelta(minutes=11)
SKIPPED, MISSED = ExecutionState.SKIPPED, ExecutionState.MISSED


def decide(change: dict[str, Any], **policy: Any) -> Open | Wait | Closed:
    return gate(dataclasses.replace(NORMAL, **change, policy=Policy(**policy)))


def test_it_is_open_in_the_ordinary_case() -> None:
    assert gate(NORMAL) == Open()


@pytest.mark.parametrize(
    ("change", "policy", "state", "reason"),
    [
        ({"schedule_state": ScheduleState.PAUSED}, {}, SKIPPED, because(C.SCHEDULE_NOT_ACTIVE, state="paused")),
        ({"schedule_state": ScheduleState.DELETED}, {}, SKIPPED, because(C.SCHEDULE_NOT_ACTIVE, state="deleted")),
        ({"schedule_state": ScheduleState.SUSPENDED}, {}, SKIPPED, because(C.SCHEDULE_NOT_ACTIVE, state="suspended")),
        ({"owner_active": False}, {}, SKIPPED, because(C.OWNER_INACTIVE)),
        ({"now": DUE + timedelta(hours=4, seconds=1)}, {}, MISSED, because(C.EXPIRED, late=14401, limit=14400)),
        ({"newer": [DUE + HOUR]}, {}, MISSED, because(C.REPLACED_BY_LATER, due_at=DUE + HOUR)),
        ({"now": LATE}, {"catchup": "none"}, MISSED, because(C.NO_CATCH_UP, late=660)),
        (
            {"newer": [DUE] * (CATCH_UP_MOST + 1)},
            {"catchup": "all"},
            MISSED,
            because(C.TOO_MANY_LATER, most=CATCH_UP_MOST),
        ),
        ({"others": [RUNNING]}, {}, SKIPPED, because(C.OVERLAP, execution="e-1")),
        ({"others": [RUNNING], "now": LATE}, {}, SKIPPED, because(C.OVERLAP, execution="e-1")),
        ({"others": [RUNNING]}, {"catchup": "all"}, SKIPPED, because(C.OVERLAP, execution="e-1")),
        (
            {"others": [RUNNING, WAITING]},
            {"overlap": "buffer_one"},
            SKIPPED,
            because(C.QUEUE_FULL, execution="e-1", queued="e-2"),
        ),
        (
            {"others": [WAITING, RUNNING]},
            {"overlap": "buffer_one"},
            SKIPPED,
            because(C.QUEUE_FULL, execution="e-1", queued="e-2"),
        ),
        (
            {"others": [RUNNING], "waited": True, "now": DUE + timedelta(hours=4, seconds=1)},
            {"overlap": "buffer_one"},
            MISSED,
            because(C.EXPIRED_WAITING, late=14401, limit=14400),
        ),
        (
            {"others": [Unfinished("e-9", DUE + HOUR)]},
            {"overlap": "cancel_other"},
            SKIPPED,
            because(C.LATER_UNDER_WAY, execution="e-9"),
        ),
    ],
)
def test_it_closes_with_a_reason(
    change: dict[str, Any], policy: dict[str, Any], state: ExecutionState, reason: Reason
) -> None:
    assert decide(change, **policy) == Closed(state, reason)


@pytest.mark.parametrize(
    ("change", "policy"),
    [
        ({"others": [RUNNING, WAITING]}, {"overlap": "allow"}),
        ({"newer": [DUE] * CATCH_UP_MOST}, {"catchup": "all"}),
        ({"now": DUE + timedelta(hours=4)}, {}),
        ({"now": DUE + timedelta(minutes=10)}, {"catchup": "none"}),
        ({"kind": ExecutionKind.RUN_NOW, "now": DUE + timedelta(days=2), "others": [RUNNING]}, {}),
        ({"kind": ExecutionKind.BACKFILL, "now": DUE + timedelta(days=20)}, {}),
        ({"kind": ExecutionKind.TEST, "schedule_state": ScheduleState.PAUSED}, {}),
        ({"schedule_state": ScheduleState.FINISHED}, {}),
        # It came in time and waited: what is due meanwhile does not take its place.
        ({"waited": True, "newer": [DUE + HOUR], "now": DUE + HOUR}, {"overlap": "buffer_one"}),
        # A later pass goes on whatever changed; each attempt asks again whether anything may leave.
        ({"later_pass": True, "schedule_state": ScheduleState.PAUSED, "owner_active": False}, {}),
        ({"later_pass": True, "others": [RUNNING], "now": DUE + timedelta(days=1)}, {"overlap": "cancel_other"}),
        ({"waited": True, "now": DUE + HOUR}, {"overlap": "buffer_one", "catchup": "none"}),
        # One that waits behind this one is not in its way.
        ({"others": [Unfinished("e-9", DUE + HOUR, waits=True)]}, {"overlap": "buffer_one"}),
        ({"others": [Unfinished("e-9", DUE + HOUR, waits=True)]}, {}),
    ],
)
def test_it_stays_open(change: dict[str, Any], policy: dict[str, Any]) -> None:
    assert decide(change, **policy) == Open()


@pytest.mark.parametrize("state", [ScheduleState.DELETED, ScheduleState.PAUSED, ScheduleState.SUSPENDED])
def test_nothing_leaves_for_a_schedule_that_was_stopped(state: ScheduleState) -> None:
    for kind in ExecutionKind:
        allowed = kind is ExecutionKind.TEST and state is not ScheduleState.DELETED
        assert (may_send(kind, state, owner_active=True) is None) is allowed
        assert may_send(kind, ScheduleState.ACTIVE, owner_active=False)


# buffer_one


def test_the_first_that_overlaps_waits() -> None:
    reason = because(C.WAITS_FOR_ANOTHER, execution="e-1")
    expected = Wait(NORMAL.now + timedelta(seconds=10), reason, "e-1")
    assert decide({"others": [RUNNING]}, overlap="buffer_one") == expected


def test_one_that_comes_between_the_end_of_one_and_the_start_of_the_next_waits() -> None:
    found = decide({"others": [WAITING]}, overlap="buffer_one")
    assert isinstance(found, Wait)
    assert found.behind == "e-2"


@pytest.mark.parametrize(
    ("waited", "next_pass", "looks_after"),
    [
        (timedelta(seconds=20), None, timedelta(seconds=10)),
        (timedelta(seconds=300), None, timedelta(seconds=30)),
        (timedelta(hours=2), None, timedelta(minutes=1)),
        (timedelta(seconds=20), timedelta(minutes=5), timedelta(minutes=5)),
        (timedelta(seconds=20), timedelta(hours=3), timedelta(minutes=15)),
        (timedelta(hours=4) - timedelta(seconds=5), None, timedelta(seconds=6)),
    ],
)
def test_it_looks_again_seldom_and_never_beyond_its_expiry(
    waited: timedelta, next_pass: timedelta | None, looks_after: timedelta
) -> None:
    now = DUE + waited
    other = dataclasses.replace(RUNNING, next_pass_at=now + next_pass if next_pass else None)
    found = decide({"now": now, "waited": True, "others": [other]}, overlap="buffer_one")
    assert isinstance(found, Wait)
    assert found.until == now + looks_after


# cancel_other


def test_everything_earlier_is_cancelled() -> None:
    assert decide({"others": [RUNNING, WAITING]}, overlap="cancel_other") == Open(cancels=("e-1", "e-2"))


@pytest.mark.parametrize(
    "change",
    [
        {"now": DUE + timedelta(hours=5)},
        {"newer": [DUE + HOUR]},
        {"schedule_state": ScheduleState.PAUSED},
        {"owner_active": False},
    ],
)
def test_one_that_does_not_run_cancels_nothing(change: dict[str, Any]) -> None:
    assert isinstance(decide({"others": [RUNNING], **change}, overlap="cancel_other"), Closed)


# catchup: all


@pytest.mark.parametrize("overlap", ["skip", "buffer_one"])
def test_what_is_caught_up_runs_one_after_the_other(overlap: str) -> None:
    queue = [RUNNING, WAITING, Unfinished("e-3", DUE + HOUR, waits=True)]
    assert isinstance(decide({"now": LATE, "others": queue}, overlap=overlap, catchup="all"), Wait)
    oldest_left = decide({"now": LATE, "waited": True, "others": queue[2:]}, overlap=overlap, catchup="all")
    assert oldest_left == Open()
    behind_it = decide({"now": LATE, "waited": True, "others": queue[1:]}, overlap=overlap, catchup="all")
    assert isinstance(behind_it, Wait)
    assert behind_it.behind == "e-2"


def test_the_next_in_time_waits_behind_what_is_caught_up() -> None:
    assert isinstance(decide({"others": [WAITING, RUNNING]}, catchup="all"), Wait)


# jitter


def test_it_waits_for_its_start_and_lateness_counts_from_there() -> None:
    start = DUE + timedelta(minutes=20)
    found = decide({"starts_at": start, "others": [RUNNING]}, jitter=HOUR)
    assert isinstance(found, Wait)
    assert (found.until, found.behind) == (start, None)
    assert found.reason == because(C.JITTER, delay=1200)
    assert decide({"starts_at": start, "now": start}, jitter=HOUR, catchup="none") == Open()


@given(st.uuids(), st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)), st.integers(0, 3600))
def test_the_start_is_whole_seconds_below_the_jitter_and_always_the_same(
    schedule_id: object, due: datetime, seconds: int
) -> None:
    due, jitter = due.replace(microsecond=0, tzinfo=UTC), timedelta(seconds=seconds)
    start = start_of(str(schedule_id), due, jitter)
    assert start == start_of(str(schedule_id), due, jitter)
    assert timedelta() <= start - due <= jitter
    assert start - due < jitter or not jitter


def test_jitter_spreads_a_peak() -> None:
    starts = [start_of(f"schedule-{number}", DUE, timedelta(minutes=10)) for number in range(6000)]
    minutes = [sum(1 for start in starts if start.minute == minute) for minute in range(10)]
    assert min(minutes) > 500
    assert max(minutes) < 700


def test_jitter_differs_from_one_due_time_to_the_next() -> None:
    assert len({start_of("s", DUE + n * HOUR, HOUR) - n * HOUR for n in range(20)}) > 15
