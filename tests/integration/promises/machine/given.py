"""Strategies of the state machine: timings in zones that change their clocks, policies, recipients, spans of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.integration.promises.sink import Fate

STARTS = st.sampled_from(
    [
        datetime(2026, 3, 28, 21, 50, tzinfo=UTC),  # The night before Europe's clocks go forward.
        datetime(2026, 10, 24, 21, 50, tzinfo=UTC),  # Before they go back.
        datetime(2026, 4, 4, 12, 10, tzinfo=UTC),  # Before Lord Howe's go back by half an hour.
        datetime(2026, 10, 31, 23, 55, tzinfo=UTC),  # New York; the end of a month.
        datetime(2026, 12, 30, 8, 59, 50, tzinfo=UTC),
    ]
)
ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kolkata"])
_TIMES = st.sampled_from(["00:00", "02:00", "02:30", "03:00", "09:00", "22:00", "23:59"])
_DAYS = st.lists(st.sampled_from(["mon", "wed", "fri", "sat", "sun"]), min_size=1, max_size=3, unique=True)
_DAY_RULES = st.sampled_from(
    [1, 29, 31, "last", {"nth": 1, "weekday": "sun"}, {"nth": -1, "weekday": "sun"}, {"business_day": 1}]
)
_KINDS = st.one_of(
    st.fixed_dictionaries({"frequency": st.just("daily"), "at": _TIMES}),
    st.fixed_dictionaries({"frequency": st.just("weekly"), "days": _DAYS, "at": _TIMES}),
    st.fixed_dictionaries(
        {"frequency": st.just("hourly"), "every": st.sampled_from([1, 3, 5, 8])},
        optional={"from": st.sampled_from(["00:30", "01:00"]), "days": _DAYS},
    ),
    st.fixed_dictionaries({"frequency": st.just("monthly"), "day": _DAY_RULES, "at": _TIMES}),
    st.fixed_dictionaries(
        {
            "frequency": st.just("quarterly"),
            "month_of_quarter": st.sampled_from([1, 3]),
            "day": _DAY_RULES,
            "at": _TIMES,
        }
    ),
    st.fixed_dictionaries(
        {"frequency": st.just("yearly"), "month": st.sampled_from([4, 11]), "day": _DAY_RULES, "at": _TIMES}
    ),
    st.fixed_dictionaries(
        {
            "frequency": st.just("cron"),
            "expression": st.sampled_from(
                ["30 2 * * *", "0 1-3 * * *", "15 */4 * * *", "0 9 L * *", "0 9 * * sun", "59 1 29-31 * *"]
            ),
        }
    ),
    st.fixed_dictionaries(
        {
            "frequency": st.just("once"),
            "at": st.sampled_from(["2026-03-29T02:30", "2026-04-05T01:45", "2026-10-25T02:30", "2026-11-01T01:30"]),
        }
    ),
    st.just({"frequency": "immediate"}),
)


@st.composite
def timings(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a timing as a user writes it; some can never fire, and are refused."""
    timing = {**draw(_KINDS), "timezone": draw(ZONES)}
    if timing["frequency"] != "immediate" and draw(st.integers(0, 3)) == 0:
        timing |= {"calendar": "office", "on_holiday": draw(st.sampled_from(["run", "skip", "next", "previous"]))}
    return timing


FREQUENT = st.fixed_dictionaries(
    {"frequency": st.just("hourly"), "every": st.sampled_from([2, 3, 5]), "timezone": ZONES},
    optional={"from": st.sampled_from(["00:30", "01:00"])},
)
"""Timings that have something to do in any hours."""


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    overlap = draw(st.sampled_from(["skip", "buffer_one", "allow", "cancel_other"]))
    catchup = draw(st.sampled_from(["latest", "none"] if overlap == "cancel_other" else ["all", "latest", "none"]))
    return {
        "overlap": overlap,
        "catchup": catchup,
        "expires_after": draw(st.sampled_from(["P2D", "PT4H", "PT1H"])),
        "jitter": draw(st.sampled_from(["PT0S", "PT0S", "PT0S", "PT10M"])),
        "pause_after_failures": draw(st.sampled_from([5, 2, 1])),
        "max_attempts": draw(st.sampled_from([8, 8, 2, 1])),
    }


_ADA: dict[str, Any] = {"channel": "sink", "connection": "one", "to": ["ada"]}
_BOB: dict[str, Any] = {"channel": "sink", "connection": "one", "to": ["bob", "cyn"]}
DESTINATIONS = st.sampled_from([[_ADA, _BOB], [_BOB], [_ADA]])
PICK = st.integers(0, 99)
"""Which of those that are there; taken modulo their number."""
CONDITIONS = st.sampled_from([{"send_if": "always"}, {"send_if": "not_empty"}])
WRONG = st.sampled_from(
    [
        {"report_id": "nothing"},
        {"formats": ["pdf"]},
        {"destinations": [{"channel": "sink", "connection": "nobody", "to": ["ada"]}]},
        {"timing": {"frequency": "daily", "at": "9 o'clock"}},
        {"timing": {"frequency": "once", "at": "2020-01-01T00:00"}},
        {"timing": {"frequency": "cron", "expression": "*/5 * * * *"}},
        {"timing": {"frequency": "daily", "at": "09:00", "calendar": "nowhere"}},
        {"policy": {"overlap": "cancel_other", "catchup": "all"}},
        {"parameters": {"colour": "red"}},
    ]
)
_SECONDS = [timedelta(seconds=n) for n in (1, 4, 11, 59, 61, 130)]
_HOURS = [timedelta(minutes=n) for n in (10, 31, 60, 61, 125, 245)]
_LONG = [timedelta(hours=n) for n in (9, 23, 24, 25, 49, 74)]
SHORT = st.sampled_from([*_SECONDS, *_HOURS[:4]])
_BACK = [-timedelta(minutes=1), -timedelta(hours=1)]
SPANS = st.sampled_from([*_SECONDS, *_HOURS, *_HOURS, *_LONG, *_BACK])
FATES = st.lists(st.sampled_from([Fate.TAKEN, Fate.TAKEN, Fate.LATER, Fate.LATER, *Fate]), min_size=1, max_size=3)


def bodies(timing: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw schedules with these timings."""
    return st.fixed_dictionaries(
        {
            "name": st.just("Orders"),
            "report_id": st.just("orders"),
            "formats": st.just(["csv"]),
            "timing": timing,
            "policy": policies(),
            "destinations": DESTINATIONS,
            "condition": CONDITIONS,
        }
    )


def patches() -> st.SearchStrategy[dict[str, Any]]:
    """Draw changes of a schedule."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        "timing": st.one_of(timings(), FREQUENT),
        "policy": policies(),
        "destinations": DESTINATIONS,
        "name": st.sampled_from(["Orders", "Other orders"]),
    }
    return st.sampled_from(sorted(fields)).flatmap(lambda name: st.fixed_dictionaries({name: fields[name]}))
