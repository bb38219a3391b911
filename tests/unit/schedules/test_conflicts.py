"""Each rule of the conflict check: what it warns of, and what it leaves alone."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mailroom.schedules.conflicts import crowded
from mailroom.schedules.conflicts.check import Limits, Surroundings, conflicts
from mailroom.schedules.conflicts.keys import keys_of
from mailroom.schedules.conflicts.load import Load, load
from mailroom.schedules.conflicts.parties import Party
from mailroom.schedules.conflicts.warning import Code, ScheduleWarning
from mailroom.timing import BusinessCalendar, Timing
from prefect_mailroom.channels.registry import destination

NOW = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)  # A Friday.
TIMING: TypeAdapter[Timing] = TypeAdapter(Timing)
ADA = {"channel": "email", "connection": "corp-smtp", "to": ["ada@example.com"]}
BOB = {"channel": "email", "connection": "corp-smtp", "to": ["bob@example.com"]}
NOBODY = Load({})


def daily(at: str = "09:00", **more: Any) -> dict[str, Any]:
    return {"frequency": "daily", "at": at, "timezone": "Europe/Berlin", **more}


def weekly(day: str, at: str = "09:00") -> dict[str, Any]:
    return {"frequency": "weekly", "days": [day], "at": at, "timezone": "Europe/Berlin"}


def folder(path: str, **more: Any) -> dict[str, Any]:
    return {"channel": "folder", "connection": "shared", "path": path, **more}


def party(
    schedule_id: str | None = "other",
    timing: dict[str, Any] | None = None,
    *,
    report: str = "orders",
    name: str | None = "Other",
    parameters: dict[str, Any] | None = None,
    to: Sequence[dict[str, Any]] = (ADA,),
    formats: Sequence[str] = ("pdf",),
    business: BusinessCalendar | None = None,
) -> Party:
    """A schedule of `report`; Ada gets it daily at nine in Berlin unless told otherwise."""
    keys = keys_of(report, name or "", formats, [destination(target) for target in to])
    read = TIMING.validate_python(timing or daily())
    return Party(schedule_id, name, read, business or BusinessCalendar(), parameters or {}, keys)


def found(
    mine: Party, *others: Party, around: Load = NOBODY, took: Sequence[int] = (), overlap: str = "skip", unseen: int = 0
) -> list[ScheduleWarning]:
    """The warnings about `mine`; `took` is in minutes."""
    surroundings = Surroundings(around, [dt.timedelta(minutes=minutes) for minutes in took], unseen)
    return conflicts(mine, others, NOW, surroundings, Limits(), overlap=overlap)


def one(warnings: list[ScheduleWarning], code: Code) -> ScheduleWarning:
    """The only warning, which has that code."""
    assert [warning.code for warning in warnings] == [code]
    json.dumps(warnings[0].data)
    return warnings[0]


MINE = party("mine", name="Mine")


def test_the_same_report_to_the_same_person_within_the_hour() -> None:
    warning = one(found(MINE, party(timing=daily("08:30"))), Code.DUPLICATE)
    assert warning.data["minutes_apart"] == 30
    assert warning.data["schedule"] == {"id": "other", "name": "Other"}
    assert warning.data["recipients"] == ["ada@example.com"]
    assert warning.data["at"] == "2026-11-28T08:00:00+00:00"
    assert "'Other'" in warning.message
    assert "ada@example.com, 30 min before this one of Saturday 28 November 2026, 09:00" in warning.message


@pytest.mark.parametrize(
    "other",
    [
        party(timing=daily("07:59")),
        party(timing=daily("10:01")),
        party(to=[BOB]),
        party(report="invoices"),
        party(parameters={"region": "EMEA"}),
        party(timing={"frequency": "once", "at": "2026-11-26T09:00"}),
        party(timing={"frequency": "immediate"}),
    ],
    ids=["too early", "too late", "other person", "other report", "other parameters", "over", "at once"],
)
def test_what_is_no_duplicate(other: Party) -> None:
    assert found(MINE, other) == []


def test_the_edge_of_the_window_counts_and_zones_are_compared_as_instants() -> None:
    assert one(found(MINE, party(timing=daily("10:00"))), Code.DUPLICATE)
    assert one(found(MINE, party(timing={"frequency": "daily", "at": "08:00"})), Code.DUPLICATE)
    assert found(MINE, party(timing={"frequency": "daily", "at": "09:30"})) == []


def test_one_rare_meeting_is_enough_and_mail_addresses_have_no_case() -> None:
    monthly = {"frequency": "monthly", "day": 1, "at": "09:00", "timezone": "Europe/Berlin"}
    other = party(timing=monthly, to=[{**ADA, "to": ["Ada@Example.com"], "connection": "another-smtp"}])
    warning = one(found(MINE, other), Code.DUPLICATE)
    assert warning.data["at"] == "2026-12-01T08:00:00+00:00"


def test_what_is_not_the_readers_is_not_named() -> None:
    warning = one(found(MINE, party("secret-id", name=None)), Code.DUPLICATE)
    assert warning.message.startswith("Another schedule sends")
    assert warning.data["schedule"] is None
    assert "secret-id" not in json.dumps(warning.data)


def same(path: str, other: str | None = None, *, mine: dict[str, Any] | None = None, **more: Any) -> list[Code]:
    """The codes where one writes `path` and another of the same report writes `other`."""
    left = party("mine", mine, name="Mine", to=[folder(path)])
    return [warning.code for warning in found(left, party(to=[folder(other or path)], **more))]


def test_two_schedules_that_write_one_file() -> None:
    left = party("mine", weekly("mon"), name="Mine", to=[folder("out/{report_slug}.{ext}")])
    right = party(timing=weekly("tue"), to=[folder("out/orders.pdf", if_exists="fail")])
    warning = one(found(left, right), Code.SAME_FILE)
    assert warning.data["path"] == "out/{report_slug}.{ext}"
    assert warning.data["at"] == "2026-11-30T08:00:00+00:00"
    assert warning.data["if_exists"] == ["overwrite", "fail"]
    assert found(left, party(to=[folder("out/orders.pdf")]))[0].data["if_exists"] == ["overwrite", "overwrite"]


def test_a_path_with_the_due_time_needs_the_same_due_time() -> None:
    assert same("{date}.csv") == [Code.SAME_FILE]
    assert same("{date}.csv", timing=daily("17:00")) == [Code.SAME_FILE]
    assert same("{date}-{time:%H}.csv", timing=daily("17:00")) == []
    assert same("{date}.csv", mine=weekly("mon"), timing=weekly("tue")) == []
    assert same("{date:%Y/%m}.csv", mine=weekly("mon"), timing=weekly("tue")) == [Code.SAME_FILE]
    assert same("{window_from}.csv") == [Code.SAME_FILE]
    assert same("{window_from}.csv", parameters={"region": "EMEA"}) == []


def test_paths_that_differ() -> None:
    assert same("a/{date}.csv", "b/{date}.csv") == []
    assert same("{execution_id}.csv") == []
    assert same("{schedule_name}.csv") == []
    assert same("{report_slug}.csv", report="invoices") == []
    assert same("{report_name}.csv", report="invoices") == []
    assert same("out.{ext}", formats=["csv"]) == []
    assert same("{param_region}.csv", parameters={"region": "EMEA"}) == []
    assert same("{param_region}.csv", report="invoices") == []


def test_files_that_are_the_same_by_their_values() -> None:
    assert same("out.{ext}", formats=["csv", "pdf"]) == [Code.SAME_FILE]
    assert same("{param_region}.csv") == [Code.SAME_FILE]
    assert same("all.csv", report="invoices", parameters={"region": "EMEA"}) == [Code.SAME_FILE]
    yearly = {"frequency": "yearly", "month": 7, "day": 1, "at": "09:00"}
    assert same("all.csv", mine=yearly, timing=yearly) == [Code.SAME_FILE]


def test_two_that_keep_the_old_file_lose_nothing() -> None:
    kept = [folder("all.csv", if_exists="timestamp")]
    left = party("mine", name="Mine", to=kept)
    assert found(left, party(to=kept)) == []
    assert one(found(left, party(to=[folder("all.csv")])), Code.SAME_FILE)
    elsewhere = [{**folder("all.csv"), "connection": "another"}]
    assert found(left, party(to=elsewhere)) == []


def around(*timings: tuple[dict[str, Any], int]) -> Load:
    """The load around MINE of so many schedules with each timing."""
    window = crowded.span(MINE, NOW)
    assert window is not None
    return load({json.dumps(timing): count for timing, count in timings}, {}, *window)


def test_a_crowded_minute_has_a_better_one_near_it() -> None:
    monday = around((weekly("mon"), 60), (weekly("mon", "09:01"), 3), (weekly("mon", "08:59"), 2), (daily("09:02"), 1))
    warning = one(found(MINE, around=monday), Code.CROWDED_MINUTE)
    assert warning.data["runs"] == 61
    assert warning.data["at"] == "2026-11-30T08:00:00+00:00"
    proposed = {"at": "2026-11-30T07:58:00+00:00", "local_time": "08:58", "minutes": -2, "runs": 1}
    assert warning.data["proposed"] == proposed
    assert "61 schedules are due on Monday 30 November 2026, 09:00" in warning.message
    assert "At 08:58 there would be 1" in warning.message
    curve = warning.data["load"]
    assert (curve["date"], curve["timezone"], curve["bucket_minutes"]) == ("2026-11-30", "Europe/Berlin", 15)
    assert len(curve["runs"]) == 96
    assert (curve["runs"][35], curve["runs"][36]) == (2, 64)


def test_what_is_not_crowded() -> None:
    assert found(MINE, around=around((weekly("mon"), 59))) == []
    assert found(MINE, around=around((daily("10:00"), 500))) == []
    assert found(party("mine", weekly("tue")), around=around((weekly("mon"), 500))) == []


def test_a_full_hour_has_no_better_minute() -> None:
    full = around(*[(daily(f"{8 + minute // 60:02}:{minute % 60:02}"), 70) for minute in range(25, 96)])
    warning = one(found(MINE, around=full), Code.CROWDED_MINUTE)
    assert warning.data["proposed"] is None
    assert "Choose another hour" in warning.message


def test_an_end_that_nears() -> None:
    warning = one(found(party("mine", daily(ends_on="2026-12-11"))), Code.ENDS_SOON)
    assert warning.data == {"ends_on": "2026-12-11", "runs_left": 14, "last_at": "2026-12-11T08:00:00+00:00"}
    assert "14 more times" in warning.message
    assert found(party("mine", daily(ends_on="2026-12-12"))) == []
    once = {"frequency": "once", "at": "2026-11-28T09:00", "ends_on": "2026-11-28"}
    assert found(party("mine", once)) == []


def test_a_timing_that_only_holidays_meet() -> None:
    fridays = {dt.date(2026, 11, 27) + dt.timedelta(days=7 * week): "closed" for week in range(54)}
    skipping = {**weekly("fri"), "calendar": "de", "on_holiday": "skip"}
    warning = one(found(party("mine", skipping, business=BusinessCalendar(holidays=fridays))), Code.ONLY_ON_HOLIDAYS)
    assert warning.data["first_at"] == "2027-12-10T08:00:00+00:00"
    assert warning.data["skipped"][0] == "2026-12-04T08:00:00+00:00"
    fridays.pop(dt.date(2027, 6, 11))
    assert found(party("mine", skipping, business=BusinessCalendar(holidays=fridays))) == []
    moving = {**skipping, "on_holiday": "next"}
    assert found(party("mine", moving, business=BusinessCalendar(holidays=fridays))) == []


def test_a_timing_that_its_calendar_ended() -> None:
    saturdays = {**weekly("sat"), "calendar": "de", "on_holiday": "skip"}
    assert "'de'" in one(found(party("mine", saturdays)), Code.NEVER_FIRES).message
    assert found(party("mine", {"frequency": "once", "at": "2026-11-26T09:00"})) == []
    assert found(party("mine", daily(ends_on="2026-11-27"))) == []
    assert found(party("mine", {"frequency": "immediate"})) == []


def test_a_rare_timing_is_not_idle() -> None:
    moved = {"frequency": "yearly", "month": 11, "day": 27, "at": "09:00", "calendar": "de", "on_holiday": "next"}
    assert found(party("mine", moved)) == []  # Saturday next year, so it is due beyond a year from now.
    leap = {"frequency": "cron", "expression": "0 9 29 2 *", "calendar": "de", "on_holiday": "skip"}
    assert found(party("mine", leap, business=BusinessCalendar(weekend=frozenset()))) == []


def test_runs_longer_than_the_interval() -> None:
    hourly = {"frequency": "cron", "expression": "0 * * * *"}
    mine = party("mine", hourly)
    warning = one(found(mine, took=[10] * 18 + [61, 90]), Code.RUNS_EXCEED_INTERVAL)
    assert warning.data == {"p95_seconds": 3660, "interval_seconds": 3600, "runs": 20}
    assert "some runs will be skipped" in warning.message
    assert "runs will overlap" in found(mine, took=[61] * 3, overlap="allow")[0].message
    assert found(mine, took=[10] * 19 + [90]) == []
    assert found(mine, took=[90, 90]) == []
    assert found(mine, took=[60] * 20) == []
    assert found(MINE, took=[90] * 20) == []


def test_who_was_not_compared_is_counted() -> None:
    assert one(found(MINE, unseen=180), Code.NOT_COMPARED).data == {"schedules": 180}


TARGETS = st.lists(
    st.sampled_from([ADA, BOB, folder("{date}.{ext}"), folder("all.csv")]), min_size=1, max_size=3, unique_by=str
)
TIMINGS = st.sampled_from([daily(), daily("09:30"), weekly("mon"), {"frequency": "hourly"}])
PARTIES = st.builds(
    party,
    st.uuids().map(str),
    TIMINGS,
    report=st.sampled_from(["orders", "invoices"]),
    parameters=st.sampled_from([{}, {"region": "EMEA"}]),
    to=TARGETS,
)


@settings(max_examples=60, deadline=None)
@given(mine=PARTIES, others=st.lists(PARTIES, max_size=5, unique_by=lambda each: each.schedule_id), data=st.data())
def test_the_order_of_the_others_changes_nothing(mine: Party, others: list[Party], data: st.DataObject) -> None:
    assert found(mine, *others) == found(mine, *data.draw(st.permutations(others)))


@settings(max_examples=60, deadline=None)
@given(mine=PARTIES, other=PARTIES)
def test_a_schedule_is_never_in_conflict_with_itself_and_conflicts_are_mutual(mine: Party, other: Party) -> None:
    assert found(mine, mine) == []

    def kinds(warnings: list[ScheduleWarning]) -> set[Code]:
        return {warning.code for warning in warnings}

    assert kinds(found(mine, other)) == kinds(found(other, mine))
