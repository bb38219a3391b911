"""The last step: names, sums and buttons say what will happen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.actions.schedules.views import ScheduleView
from api.web.when import When, locale_of
from api.web.wizard.steps.review_view import done_words, save_words
from api.web.wizard.summary.answers import reach_words, short_timing
from api.web.wizard.summary.names import proposed
from api.web.wizard.summary.rows import rows

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
WHEN = When(ZoneInfo("Europe/Berlin"), locale_of("en-GB"), hours24=True, now=NOW)


@pytest.mark.parametrize(
    ("timing", "name"),
    [
        ({"frequency": "weekly", "days": ["mon"], "at": "09:00"}, "Sales, Mondays 09:00"),
        (
            {"frequency": "weekly", "days": ["mon", "tue", "wed", "thu", "fri"], "at": "09:00"},
            "Sales, working days 09:00",
        ),
        ({"frequency": "hourly", "every": 3}, "Sales, every 3 hours"),
        ({"frequency": "immediate"}, "Sales"),
        ({"frequency": "weekly", "days": []}, "Sales"),
        (None, "Sales"),
    ],
)
def test_a_name_is_proposed(timing: Any, name: str) -> None:
    assert proposed("Sales", timing) == name


def test_a_name_is_never_too_long() -> None:
    timing = {"frequency": "weekly", "days": ["mon", "tue", "thu", "sat"], "at": "09:00"}
    assert len(proposed("x" * 200, timing)) <= 200


def test_whom_it_reaches_is_counted_once_each() -> None:
    mail = {"channel": "email", "connection": "c", "to": ["ada@example.com", "bob@example.com"], "cc": []}
    folder = {"channel": "folder", "connection": "f", "path": "x.{ext}"}
    assert reach_words([mail, {**mail, "to": ["ada@example.com"]}, folder]) == "2 people and 1 folder"
    assert reach_words([{"channel": "email", "to": ["half an address"]}]) == "1 person"
    assert reach_words(["nonsense", None]) == reach_words(None) == ""
    assert short_timing({"frequency": "daily", "at": "09:00"}) == "Daily 09:00"


def view(**changes: Any) -> ScheduleView:
    at = "2026-11-30T08:00:00Z"
    body: dict[str, Any] = {
        "id": "s",
        "owner": "u",
        "name": "n",
        "report_id": "r",
        "timing": {},
        "parameters": {},
        "formats": [],
        "destinations": [],
        "condition": {},
        "policy": {},
        "state": "active",
        "last_run": None,
        "warnings": [],
        "next_runs": [{"at": at, "local": at}],
        "etag": "1",
        "created_at": NOW,
        "updated_at": NOW,
        "links": {},
        "delete_after": None,
        "sync": {"state": "synced", "generation": 1, "observed_generation": 1},
    }
    return ScheduleView.model_validate(body | changes)


def test_saving_says_what_happens_to_the_next_run() -> None:
    zone = "Europe/Berlin"
    moved = save_words("Tue 1 Dec 2026, 08:00 CET", view(), zone, WHEN)
    assert moved == "Save: next run moves from Mon 30 Nov to Tue 1 Dec 2026, 08:00 CET"
    same_day = save_words("Mon 30 Nov 2026, 10:00 CET", view(), zone, WHEN)
    assert same_day == "Save: next run moves from 09:00 CET to Mon 30 Nov 2026, 10:00 CET"
    assert save_words("Mon 30 Nov 2026, 09:00 CET", view(), zone, WHEN).startswith("Save: next run stays")
    assert save_words("x", view(state="paused", next_runs=[]), zone, WHEN) == "Save: it stays paused"


def test_it_is_said_what_was_done() -> None:
    first = WHEN.moment(datetime(2026, 11, 30, 8, 0, tzinfo=UTC))
    assert done_words(view(), first, edited=False, people="2 people", away=False) == (
        "Active. First run Mon 30 Nov 2026, 09:00 CET, to 2 people."
    )
    pending = {"state": "pending", "generation": 1, "observed_generation": 0}
    assert "when Prefect answers" in done_words(view(sync=pending), first, edited=False, people="", away=True)
    assert "when Prefect" not in done_words(view(sync=pending), first, edited=False, people="", away=False)
    assert "paused" in done_words(view(state="paused"), None, edited=False, people="", away=False)


def test_the_sum_names_what_is_not_usual() -> None:
    body = {
        "timing": {"frequency": "daily", "at": "09:00"},
        "policy": {"overlap": "allow", "catchup": "latest"},
        "parameters": {"region": "EMEA", "new": True},
        "condition": {"send_if": "not_empty"},
        "formats": ["pdf"],
        "destinations": [{"channel": "email", "connection": "m", "to": [f"p{n}@example.com" for n in range(7)]}],
    }
    schema = {"properties": {"region": {"title": "Region"}}}
    found = rows(body, report_title="Sales", schema=schema, change={"report": "/x"}, next_run="")
    lines = {row.term: row.lines for row in found}
    assert lines["Data"] == ("Region: EMEA", "New: yes", "Sent only if there are rows.")
    assert any("let both run" in line for line in lines["Frequency"])
    assert any(line.endswith("and 2 others") for line in lines["Recipients"])
    assert [row.change for row in found][:2] == ["/x", ""]
