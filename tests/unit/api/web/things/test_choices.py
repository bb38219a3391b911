"""Say how a setting is drawn that can be chosen from a list, such as a bucket."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from api.actions.connections.views import ChoicesView
from api.web.connection.choices import field_named, said_no, with_buttons, with_choices
from api.web.connection.form import ConnectionForm, form_of
from api.web.connection.kind import kind_of
from api.web.parts import Field
from api.web.when import When, locale_of
from mailroom.errors import CheckFailed, Fault, Invalid
from prefect_mailroom.errors import ConfigurationError

WHEN = When(ZoneInfo("UTC"), locale_of("en-GB"), hours24=True, now=datetime(2026, 11, 26, 12, tzinfo=UTC))


def form(root: str = "") -> ConnectionForm:
    """Return the form of a folder whose root stands for what can be chosen."""
    return form_of(kind_of("folder"), {"root": root}, when=WHEN, is_new=True)


def root(drawn: ConnectionForm) -> Field:
    found = field_named(with_buttons(drawn, ["root"], "/connections/new/choices?kind=folder"), "root")
    assert found is not None
    return found


def test_a_setting_that_can_be_chosen_has_a_button() -> None:
    field = root(form())
    assert field.button is not None
    assert field.button.action == "/connections/new/choices?kind=folder&field=root#settings-root"
    assert field.button.words == "Show roots"
    assert field_named(with_buttons(form(), [], "/x"), "root") == replace(field, button=None)


@pytest.mark.parametrize(
    ("entered", "values"),
    [("", ["", "a", "b"]), ("a", ["a", "b"]), ("other", ["other", "a", "b"])],
)
def test_what_was_entered_stays_chosen(entered: str, values: list[str]) -> None:
    field = root(with_choices(form(entered), "root", ChoicesView(choices={"root": ["a", "b"]})))
    assert (field.control, field.value) == ("select", entered)
    assert [one.value for one in field.options] == values
    assert field.button is not None
    assert "typed=true" in field.button.action


def test_what_is_not_shown_is_counted() -> None:
    field = root(with_choices(form(), "root", ChoicesView(choices={"root": ["a"]}, left_out={"root": 1_200})))
    assert "1,200 more" in field.hint


def test_without_a_list_the_name_can_be_entered() -> None:
    error = CheckFailed(ConfigurationError("It does not permit this.", remedy="Use another.", field="identity"), [])
    field = root(said_no(form("mine"), "root", error))
    assert (field.control, field.value) == ("text", "mine")
    assert "It does not permit this." in field.hint


def test_what_a_list_needs_is_told_in_the_words_of_its_field() -> None:
    faults = [Fault("settings", "timeout_seconds: give one")]
    drawn = form_of(kind_of("folder"), {"root": "mine"}, when=WHEN, is_new=True, faults=faults)
    field = root(said_no(drawn, "root", Invalid(faults)))
    assert "Seconds that one try may take: Give one." in field.hint


def test_an_empty_list_is_told() -> None:
    field = root(with_choices(form(), "root", ChoicesView(choices={"root": []})))
    assert field.control == "text"
    assert field.hint
