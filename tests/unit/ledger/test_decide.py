"""What was due, and what becomes of an occurrence that nothing has begun."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mailroom.executions.policy import CATCH_UP_MOST, Policy
from mailroom.executions.reasons import Reason, ReasonCode, because
from mailroom.ledger.decide import Known, reckon
from mailroom.states import ExecutionState
from mailroom.timing import BusinessCalendar, Timing, occurrences

HOUR = timedelta(hours=1)
NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TIMING: TypeAdapter[Timing] = TypeAdapter(Timing)
HOURLY = TIMING.validate_python({"frequency": "cron", "expression": "0 * * * *"})
PAUSED = because(ReasonCode.SCHEDULE_PAUSED)
PENDING, MISSED, SKIPPED = ExecutionState.PENDING, ExecutionState.MISSED, ExecutionState.SKIPPED


def states(
    policy: dict[str, object], *, now: datetime, known: tuple[Known, ...] = (), ended: Reason | None = None
) -> list[str]:
    """What goes in for the due times from 9:00 on, up to now."""
    accounts = reckon(
        HOURLY,
        Policy.model_validate(policy),
        BusinessCalendar(),
        after=NINE - timedelta(seconds=1),
        until=now,
        now=now,
        known=known,
        ended=ended,
    )
    return [f"{entry.due_at:%H} {entry.status}" for entry in accounts.entries]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"catchup": "latest"}, ["09 missed", "10 missed", "11 pending"]),
        ({"catchup": "all"}, ["09 pending", "10 pending", "11 pending"]),
        ({"catchup": "all", "expires_after": "PT90M"}, ["09 missed", "10 pending", "11 pending"]),
        ({"catchup": "none"}, ["09 missed", "10 missed", "11 pending"]),
        ({"catchup": "latest", "expires_after": "PT1M"}, ["09 missed", "10 missed", "11 missed"]),
    ],
)
def test_an_outage_over_three_due_times(policy: dict[str, object], expected: list[str]) -> None:
    assert states(policy, now=NINE + 2 * HOUR + timedelta(minutes=5)) == expected


def test_none_catches_nothing_up_after_ten_minutes() -> None:
    assert states({"catchup": "none"}, now=NINE + timedelta(minutes=11)) == ["09 missed"]


def test_catching_up_is_bounded() -> None:
    now = NINE + 30 * HOUR
    found = states({"catchup": "all", "expires_after": "P7D"}, now=now)
    assert len(found) == 31
    assert [one.split()[1] for one in found] == ["missed"] * (31 - CATCH_UP_MOST) + ["pending"] * CATCH_UP_MOST


def test_what_is_in_the_ledger_is_left_alone() -> None:
    known = tuple(
        Known(f"e{h}", NINE + h * HOUR, state, True) for h, state in enumerate((ExecutionState.SUCCESS, PENDING))
    )
    now = NINE + 2 * HOUR + timedelta(minutes=5)
    assert states({}, now=now, known=known) == ["11 pending"]


def test_one_that_waits_without_a_run_gives_way_to_the_next() -> None:
    known = (Known("e0", NINE, PENDING, handed_over=False), Known("e1", NINE + HOUR, PENDING, handed_over=True))
    now = NINE + 2 * HOUR + timedelta(minutes=5)
    accounts = reckon(HOURLY, Policy(), BusinessCalendar(), after=NINE + HOUR, until=now, now=now, known=known)
    assert [(close.execution_id, close.status) for close in accounts.closes] == [("e0", MISSED)]
    assert accounts.closes[0].reason == because(ReasonCode.NOT_BEGUN_REPLACED, due_at=NINE + 2 * HOUR)
    assert accounts.next_run == NINE + 3 * HOUR


def test_a_schedule_that_ends_skips_what_waits_and_says_why() -> None:
    known = (Known("e0", NINE, PENDING, handed_over=True),)
    now = NINE + HOUR + timedelta(seconds=2)
    accounts = reckon(HOURLY, Policy(), BusinessCalendar(), after=NINE, until=now, now=now, known=known, ended=PAUSED)
    assert [(entry.due_at, entry.status, entry.reason) for entry in accounts.entries] == [
        (NINE + HOUR, SKIPPED, PAUSED)
    ]
    assert [(close.due_at, close.status, close.reason) for close in accounts.closes] == [(NINE, SKIPPED, PAUSED)]


@given(
    spans=st.lists(st.integers(1, 400), min_size=1, max_size=8),
    catchup=st.sampled_from(["none", "latest", "all"]),
    minutes=st.integers(1, 3000),
)
def test_every_due_time_goes_in_once_however_the_looks_fall(spans: list[int], catchup: str, minutes: int) -> None:
    policy = Policy.model_validate({"catchup": catchup, "expires_after": timedelta(minutes=minutes)})
    after = now = NINE - HOUR
    known: dict[datetime, Known] = {}
    for span in spans:
        now += timedelta(minutes=span)
        accounts = reckon(
            HOURLY, policy, BusinessCalendar(), after=after, until=now, now=now, known=tuple(known.values())
        )
        for close in accounts.closes:
            known[close.due_at] = Known(close.execution_id, close.due_at, close.status, handed_over=False)
        for entry in accounts.entries:
            assert entry.due_at not in known
            assert (entry.status is PENDING) != bool(entry.reason)
            known[entry.due_at] = Known(f"e{entry.due_at}", entry.due_at, entry.status, handed_over=False)
        after = accounts.until
        assert accounts.next_run is not None
        assert accounts.next_run > now
    assert sorted(known) == list(occurrences(HOURLY, NINE - HOUR, until=now))
    running = [one for one in known.values() if one.status is PENDING]
    assert len(running) <= (CATCH_UP_MOST if catchup == "all" else 1)
