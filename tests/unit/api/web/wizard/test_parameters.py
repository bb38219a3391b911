"""The step about the report's data: its fields, what they send back, and what they mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.actions.distribution.written import Situation
from api.web.fields.said import ANCHORS, UNITS
from api.web.parts import Field
from api.web.when import When, locale_of
from api.web.wizard.parameters import dates, form
from api.web.wizard.parameters.dates import DateField
from api.web.wizard.parameters.view import panel, parameters_view, say_in, target
from mailroom.errors import Fault
from mailroom.reports.dates import ANCHORS as KNOWN
from mailroom.reports.dates import is_relative
from mailroom.reports.spec import Format, ReportDefinition
from mailroom.schedules.forecast import forecast
from mailroom.timing import TIMING, BusinessCalendar
from tests.support import samples

HOSTILE = '"><script>alert(1)</script>\u202eevil {{7*7}} \N{GRINNING FACE}' + "x" * 200
NOW = datetime(2026, 11, 26, 10, tzinfo=UTC)
ZONE = "Europe/Berlin"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["from", "to"],
    "properties": {
        "from": {"type": "string", "format": "date", "title": "First day", "default": "start_of_last_month"},
        "to": {"type": "string", "format": "date", "title": "Last day", "default": "end_of_last_month"},
        "since": {"type": ["string", "null"], "format": "date-time"},
        "airport": {"type": "string", "title": HOSTILE, "enum": ["EWR", "JFK", "LGA"], "default": "JFK"},
        "carrier": {"type": "string", "enum": list("ABCDEFGH"), "default": "A"},
        "least": {"type": "integer", "minimum": 1, "maximum": 1440, "default": 60},
        "share": {"type": ["number", "null"]},
        "word": {"type": "string"},
        "all": {"type": "boolean", "default": True},
    },
}
REPORT = ReportDefinition.model_validate({**samples.REPORT, "parameters": SCHEMA, "data_window": "from..to"})


def _sent(fields: tuple[Field | DateField, ...]) -> dict[str, Any]:
    """Return what a browser sends of the fields, nested."""
    found: dict[str, Any] = {}
    for one in fields:
        name = one.name.removeprefix("parameters-")
        if isinstance(one, DateField):
            parts = (one.anchor, one.amount, one.unit, one.fixed, *([one.written] if one.written else []))
            found[name] = {"how": one.how} | {part.name.rpartition("-")[2]: part.value for part in parts}
        elif one.control != "checkbox" or one.value == "on":
            found[name] = one.value
    return found


VALUES: dict[str, Any] = {
    "from": "start_of_month-1d",
    "to": "2026-02-28",
    "since": "2026-03-01T08:30:00+01:00",
    "airport": "LGA",
    "carrier": "H",
    "least": 5,
    "share": 0.25,
    "word": HOSTILE,
    "all": False,
}


def test_the_form_sends_back_what_it_was_given() -> None:
    assert form.read(SCHEMA, _sent(form.fields(SCHEMA, VALUES, ZONE, {})), ZONE) == VALUES


def test_what_nobody_has_chosen_is_the_default_or_left_out() -> None:
    read = form.read(SCHEMA, _sent(form.fields(SCHEMA, {}, ZONE, {})), ZONE)

    assert read == {
        "from": "start_of_last_month",
        "to": "end_of_last_month",
        "since": None,
        "share": None,
        "airport": "JFK",
        "carrier": "A",
        "least": 60,
        "all": True,
    }


def test_few_choices_are_radios_and_more_are_a_list() -> None:
    fields = {one.name: one for one in form.fields(SCHEMA, {}, ZONE, {})}

    assert isinstance(fields["parameters-from"], DateField)
    controls = {name: one.control for name, one in fields.items() if isinstance(one, Field)}
    assert controls["parameters-airport"] == "radios"
    assert controls["parameters-carrier"] == "select"
    assert controls["parameters-all"] == "checkbox"
    least = fields["parameters-least"]
    assert isinstance(least, Field)
    assert (least.attributes["inputmode"], least.hint) == ("numeric", "1 to 1,440.")


@given(st.sampled_from(sorted(ANCHORS)), st.integers(-99999, 99999), st.sampled_from(sorted(UNITS)))
def test_a_relative_date_survives_the_form(anchor: str, amount: int, unit: str) -> None:
    written = anchor + (f"{amount:+d}{unit}" if amount else "")
    found = dates.field_of("d", "Day", written, ZONE)

    assert is_relative(written)
    assert found.how == dates.RELATIVE
    assert dates.read(_sent((found,))["d"], ZONE) == written


@pytest.mark.parametrize("written", [*KNOWN, "start_of_month+1w-2d", "today+0d", "2024-02-29"])
def test_every_date_of_a_report_has_its_way_to_be_shown(written: str) -> None:
    found = dates.field_of("d", "Day", written, ZONE)
    read = dates.read(_sent((found,))["d"], ZONE)

    # `last_full_` says the same as `last_`, and no offset the same as one of nothing.
    assert read in {written, written.replace("_last_full_", "_last_"), written.removesuffix("+0d")}


def test_no_date_is_a_choice_where_it_may_be_empty() -> None:
    found = dates.field_of("d", "Day", None, ZONE, may_be_empty=True)

    assert found.how == dates.NONE
    assert dates.read(_sent((found,))["d"], ZONE) is None


def test_what_cannot_be_read_is_shown_again() -> None:
    read = dates.read({"how": "relative", "anchor": "today", "amount": "a few", "unit": "d"}, ZONE)
    found = dates.field_of("d", "Day", read, ZONE)

    assert found.written is not None
    assert found.written.value == read == "todaya fewd"


def _situation(timing: dict[str, Any]) -> Situation:
    read = TIMING.validate_python({"timezone": ZONE, **timing})
    due = forecast(read, BusinessCalendar(), now=NOW, count=3).due
    return Situation(REPORT, "Name", ZONE, (Format.CSV,), tuple(due))


WHEN = When(ZoneInfo("America/New_York"), locale_of("en-GB"), True, NOW)


def test_the_panel_has_the_values_of_the_next_runs() -> None:
    found = panel(_situation({"frequency": "monthly", "day": 1, "at": "09:00"}), {}, WHEN, is_now=False)

    assert [[due.text for due in run.dues] for run in found.runs] == [
        ["Tue 1 Dec 2026, 09:00 CET"],
        ["Fri 1 Jan 2027, 09:00 CET"],
        ["Mon 1 Feb 2027, 09:00 CET"],
    ]
    assert found.runs[0].dues[0].for_you == "03:00 EST"
    assert dict(found.runs[0].values)["Period"] == "1 Nov 2026 \u2013 30 Nov 2026"
    assert not found.warning


def test_runs_with_the_same_data_stand_together() -> None:
    fixed = {"from": "2026-01-01", "to": "2026-01-31"}
    found = panel(_situation({"frequency": "daily", "at": "09:00"}), fixed, WHEN, is_now=False)

    assert [len(run.dues) for run in found.runs] == [3]


def test_a_period_that_ends_before_it_begins_is_told() -> None:
    wrong = {"from": "2026-02-01", "to": "2026-01-31"}
    found = panel(_situation({"frequency": "daily", "at": "09:00"}), wrong, WHEN, is_now=False)

    assert found.warning.startswith("Last day is before First day")


def test_the_panel_says_what_is_wrong_in_the_words_of_the_fields() -> None:
    wrong = {"airport": "XXX", "least": "many", "from": "soon"}
    found = panel(_situation({"frequency": "daily", "at": "09:00"}), wrong, WHEN, is_now=False)

    assert found.runs == ()
    assert f"{HOSTILE}: choose one of EWR, JFK, LGA." in found.faults
    assert "Least: enter a whole number from 1 to 1,440." in found.faults
    assert any(one.startswith("First day: enter a date") for one in found.faults)


def test_a_fault_leads_to_its_control() -> None:
    view = parameters_view(REPORT, {"parameters": VALUES, "condition": {"send_if": "not_empty"}}, ZONE, {})

    lead = target(view)
    assert lead(Fault("parameters.from", "")) == "parameters-from-how"
    assert lead(Fault("parameters.airport", "")) == "parameters-airport"
    assert (view.condition.chosen, view.condition.rules[1].value) == ("not_empty", "not_empty")
    assert say_in(REPORT)(Fault("parameters", "Something.")) == "Something."
