"""Events: each has a kind, and those of changes that others make say who it was."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime

import pytest

from mailroom.notifications import connection_events, events, ownership_events, recipient_events, schedule_events
from mailroom.notifications import secret_events as secrets
from mailroom.notifications.events import Event, OfIncident
from mailroom.notifications.kinds import Kind
from mailroom.notifications.schedule_events import Changed, joined
from mailroom.notifications.service import schedule_of, told_of

DUE = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
MODULES = (events, connection_events, ownership_events, recipient_events, schedule_events, secrets)
EVENTS = sorted(
    {
        found
        for module in MODULES
        for _, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, Event) and not inspect.isabstract(found) and found.__module__ == module.__name__
    },
    key=lambda found: found.__name__,
)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_each_event_has_a_kind(event: type[Event]) -> None:
    kind = inspect.getattr_static(event, "kind")
    assert isinstance(kind, Kind), f"{event.__name__} would be stored as something else"


def test_an_incident_has_the_kind_of_its_word_and_may_be_about_one_schedule() -> None:
    class Told(OfIncident):
        title, body = "It stands", "Still."

    assert Told("u-1", "i-1", "disk_low", "data", None).kind is Kind.DISK_LOW
    assert Told("u-1", "i-1", "from_tomorrow", "data", None).kind is Kind.OTHER
    assert schedule_of(Told("u-1", "i-1", "schedule_failing", None, "s-1")) == "s-1"


def test_each_user_is_asked_about_the_schedules_that_they_are_told_of() -> None:
    one = Changed("u-1", "s-1", "Orders", "Ada", ("name",))
    other = Changed("u-1", "s-2", "Delays", "Ada", ("name",))
    key = events.KeyIsOld("u-2", "import", "mrk_1", 200)
    assert told_of([one, other, key]) == {"u-1": {"s-1", "s-2"}, "u-2": set()}


@pytest.mark.parametrize(
    "event",
    [
        events.DueTimesMissed("u-1", "s-1", "Orders", 2, DUE, DUE, "Too late."),
        events.KeyExpires("u-1", "import", "mrk_1", DUE),
        schedule_events.Recovered("u-1", "s-1", "Orders", "e-1", DUE),
        schedule_events.CorrectionSent("u-1", "s-1", "Orders", "e-1", DUE),
    ],
    ids=lambda event: type(event).__name__,
)
def test_times_are_told_as_the_clocks_of_the_reader_show_them(event: Event) -> None:
    assert "Tue 1 Dec 2026, 00:30 CET" in event.body_in("Europe/Berlin")
    assert "Mon 30 Nov 2026, 23:30 UTC" in event.body


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (("timing",), "timing"),
        (("report_id", "timing"), "report and timing"),
        (("name", "formats", "send_if"), "name, formats and send if"),
    ],
)
def test_fields_are_named_in_a_row(parts: tuple[str, ...], words: str) -> None:
    assert joined(parts) == words
