from __future__ import annotations

from typing import Any

import pytest

from api.web.schedule.changes import change_of, marks_of
from mailroom.audit import events, member_events, recipient_events
from mailroom.audit.events import Event
from tests.unit.api.web.schedule.build import NOW, WHEN, event

BERLIN = "Europe/Berlin"
MONDAYS = {"frequency": "weekly", "days": ["mon"], "at": "09:00", "timezone": BERLIN}


def test_an_edit_says_each_part_before_and_after_in_words() -> None:
    changes = {
        "timing": [MONDAYS, {**MONDAYS, "days": ["tue"]}],
        "formats": [["pdf"], ["pdf", "xlsx"]],
        "destinations": [[], [{"channel": "email", "connection": "smtp", "to": ["ada@example.com"]}]],
        "condition": [{"send_if": "always"}, {"send_if": "not_empty"}],
    }
    found = change_of(event("changed", changes=changes), WHEN, BERLIN)
    assert found.what == "Changed timing, format, recipients and condition"
    assert [(part.name, part.before, part.after) for part in found.parts] == [
        ("Timing", "Every Monday at 09:00 (Europe/Berlin)", "Every Tuesday at 09:00 (Europe/Berlin)"),
        ("Format", "PDF", "PDF and XLSX"),
        ("Recipients", "", "E-mail through smtp, To: ada@example.com"),
        ("Condition", "Always, also without rows", "Only if there are rows"),
    ]


def test_what_was_stored_by_an_earlier_version_is_shown_all_the_same() -> None:
    changes = {"timing": [{"frequency": "never"}, MONDAYS], "policy": [{"overlap": "maybe"}, {}], "gone": [1, 2]}
    found = change_of(event("changed", changes=changes), WHEN, BERLIN)
    assert [part.name for part in found.parts] == ["Timing", "Rules"]
    assert found.parts[0].before != found.parts[0].after


def _of_schedules() -> list[type[Event]]:
    rooms = (events, member_events, recipient_events)
    every = {one for room in rooms for one in vars(room).values() if isinstance(one, type) and issubclass(one, Event)}
    found = [one for one in every if getattr(one, "entity_type", "") == "schedule" and hasattr(one, "action")]
    return sorted(found, key=str)


@pytest.mark.parametrize("kind", _of_schedules(), ids=str)
def test_every_event_of_schedules_has_words(kind: type[Event]) -> None:
    stored: dict[str, dict[str, Any]] = {
        "suspended": {"faults": ["A fault."], "owner": "a@b.example"},
        "reassigned": {"owner": ["a@b.example", "c@b.example"]},
        "backfill": {"from": "2026-11-01T00:00:00", "until": "2026-11-02T00:00:00", "count": 2},
    }
    found = change_of(event(kind.action, **stored.get(kind.action, {})), WHEN, BERLIN)
    assert found.what
    assert "_" not in found.what
    assert found.who == "ada@example.com"


def test_edits_and_pauses_are_marked_and_other_entries_are_not() -> None:
    entries = [
        event("undeleted", state="active", faults=[]),
        event("undeleted", state="paused", faults=[]),
        event("deleted"),
        event("suspended", actor="mailroom", consecutive_failures=1),
        event("resumed"),
        event("test"),
        event("changed", changes={"name": ["A", "B"]}),
    ]
    marks = marks_of(entries, WHEN, BERLIN)
    assert [mark.kind for mark in marks] == ["resumed", "paused", "paused", "resumed", "edited"]
    assert marks[2].words == "Suspended it after 1 failure in a row, Mailroom, Thu 26 Nov 2026, 09:00 CET"
    assert {mark.at for mark in marks} == {NOW}


def test_whom_somebody_acted_for_is_told() -> None:
    entry = event("paused")
    entry.on_behalf_of = "bob@example.com"
    assert change_of(entry, WHEN, BERLIN).who == "ada@example.com for bob@example.com"
