"""The step about who gets the report: its cards, what is wrong with them, and what their buttons change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from api.actions.connections.views import ConnectionView
from api.web.fields.build import FieldGroup
from api.web.parts import Field
from api.web.wizard.destinations import changes
from api.web.wizard.destinations.adding import choices
from api.web.wizard.destinations.cards import cards, formats_field, found_words
from api.web.wizard.destinations.form import read
from api.web.wizard.destinations.results import STEPS, failed
from api.web.wizard.destinations.variables import WORDS, unknown_words
from api.web.wizard.destinations.words import more_faults, place_in, say_in
from mailroom.errors import CheckFailed, Fault
from mailroom.recipients.pasted import sort_out
from mailroom.reports.spec import ReportDefinition
from prefect_mailroom.channels.registry import CHANNELS
from prefect_mailroom.channels.steps import Step, StepName
from prefect_mailroom.errors import Refused
from prefect_mailroom.testing import RecordingChannel, registered
from prefect_mailroom.text.variables import KNOWN
from tests.support import samples

HOSTILE = '"><script>alert(1)</script>\u202eevil {{7*7}} \N{GRINNING FACE}'
NOW = datetime(2026, 11, 26, tzinfo=UTC)
REPORT = ReportDefinition.model_validate(samples.REPORT)
MAIL: dict[str, Any] = {"channel": "email", "connection": "corp-smtp", "to": ["ada@example.org", "bo@example.org"]}


def _connection(name: str, kind: str) -> ConnectionView:
    return ConnectionView(name=name, kind=kind, description=HOSTILE, created_at=NOW, updated_at=NOW, etag="1")


SMTP = [_connection("corp-smtp", "email"), _connection("shared", "folder")]


def _names(group: FieldGroup) -> set[str]:
    found = {one.name for one in group.fields}
    for inner in group.groups:
        found |= _names(inner)
    return found


def _field(group: FieldGroup, name: str) -> Field:
    fields = [*group.fields, *(one for inner in group.groups for one in inner.fields)]
    (found,) = (one for one in fields if one.name == name)
    return found


@pytest.mark.parametrize("channel", ["email", "webhook"])
def test_the_store_of_links_is_chosen_from_those_that_sign(channel: str) -> None:
    stores = [_connection("archive", "s3"), _connection("lake", "gcs"), _connection("month-end", "azure")]

    def field(chosen: str, known: list[ConnectionView], errors: tuple[str, ...] = ()) -> Field:
        given = {"channel": channel, "connection": "one", "links_from": chosen}
        name = "destinations-0-links_from"
        (card,) = cards({"destinations": [given]}, known, {name: errors})
        return _field(card.group, name)

    offered = field("lake", [*SMTP, _connection("one", channel), *stores])
    assert (offered.control, offered.value) == ("select", "lake")
    assert [one.value for one in offered.options] == ["", "archive", "lake", "month-end"]
    assert field("", SMTP).control == "hidden", "there is nothing to choose"
    gone = field("gone", [*SMTP, *stores], ("It is not there.",))
    assert (gone.value, gone.errors) == ("gone", ("It is not there.",))
    assert "gone" in {one.value for one in gone.options}
    assert field("", [], ("It may not be used.",)).control == "select", "a fault is shown where it can be mended"


@pytest.mark.parametrize("channel", sorted(CHANNELS))
def test_a_card_has_a_field_for_every_setting(channel: str) -> None:
    (card,) = cards({"destinations": [{"channel": channel, "connection": "one"}]}, [_connection("one", channel)], {})

    shown = _names(card.group) | {one.field.name for one in card.people} | {card.connection.name}
    drawn = CHANNELS[channel].destination_type.model_json_schema()["properties"]
    # Tags of a store that has none can only be empty.
    settings = {name for name, one in drawn.items() if one.get("maxProperties") != 0} - {"channel", "expect"}
    assert {f"destinations-0-{name}" for name in settings} <= shown
    assert card.may_test is (channel != "command")
    assert card.connection.control == "hidden"
    (gone,) = cards({"destinations": [{"channel": channel, "connection": "gone"}]}, [], {})
    assert (gone.connection.control, gone.connection.value) == ("select", "gone")


def test_a_channel_that_nobody_has_thought_of_has_a_card() -> None:
    with registered(RecordingChannel):
        kind = RecordingChannel.kind
        (card,) = cards({"destinations": [{"channel": kind}]}, [], {})
        found = choices([_connection("loft", kind)], "", may_make=False)

    assert card.channel == kind
    assert card.connection.control in {"select", "hidden"}
    assert next(one for one in found if one.channel == kind).only == "loft"


def test_hostile_names_stay_what_they_are() -> None:
    value = {"destinations": [{**MAIL, "subject": HOSTILE, "to": HOSTILE}, {"channel": HOSTILE}, HOSTILE], "formats": 1}
    drawn = cards(value, SMTP, {})

    assert [card.index for card in drawn] == [0, 1, 2]
    assert drawn[0].people[0].field.value == HOSTILE
    assert {one.value for one in drawn[0].group.fields if one.name == "destinations-0-subject"} == {HOSTILE}
    assert drawn[1].group.fields == ()


def test_a_list_with_something_wrong_stays_as_it_was_typed() -> None:
    sent = {
        "channel": "email",
        "connection": "corp-smtp",
        "to": "A <a@x.org>\nsales@\na@x.org",
        "cc": "a@x.org\nb@x.org",
    }
    value = read({"formats": ["csv", ""], "destinations": [sent]})

    assert value["formats"] == ["csv"]
    assert value["destinations"][0]["to"] == sent["to"]
    assert value["destinations"][0]["cc"] == ["b@x.org"]
    (card,) = cards(value, SMTP, {})
    assert card.people[0].words == "1 recognised, 1 repeated, 1 wrong: line 2"
    assert "“sales@” has no domain" in card.people[0].wrong
    assert [one.address for one in card.people[0].persons] == ["a@x.org"]


def test_a_list_is_counted_in_words() -> None:
    assert found_words(sort_out("")) == ""
    assert found_words(sort_out("a@x.org")) == "1 recognised"
    assert found_words(sort_out("\n".join(["x", "y"] * 8))).endswith("lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 …")


def _say(value: dict[str, Any], field: str, message: str = "is wrong.") -> tuple[str, str]:
    fault = Fault(field, message, "GET /api/v1/connections lists them.")
    return place_in(value)(fault), say_in(REPORT, value)(fault)


def test_faults_are_told_at_their_fields_in_their_words() -> None:
    value = {
        "destinations": [
            {**MAIL, "to": "a@x.org\n" * 16 + "sales@"},
            {**MAIL, "subject": "{regoin} {param_x} {{date}}"},
            {**MAIL, "to": []},
            {"channel": "folder", "connection": "gone"},
        ]
    }
    assert _say({}, "destinations") == ("destinations", "Add a destination: nobody gets the report yet.")
    assert _say(value, "formats") == ("formats-", "Choose at least one format.")
    assert _say(value, "destinations.0.to") == ("destinations-0-to", "Line 17: “sales@” has no domain.")
    place, said = _say(value, "destinations.1.subject")
    assert place == "destinations-1-subject"
    assert said.startswith("{regoin} is not known. Did you mean {param_region}?")
    assert "{date}" not in said
    assert _say(value, "destinations.2") == ("destinations-2-to", "Enter at least one recipient.")
    place, said = _say(value, "destinations.3.connection")
    assert (place, "gone" in said) == ("destinations-3-connection", True)
    assert "/api/" not in " ".join(_say(value, "destinations.3.path"))
    assert _say(value, "destinations.9.path")[0] == "destinations-9-path"


def test_wrong_recipients_are_told_beside_what_else_is_wrong() -> None:
    value = {"destinations": [{**MAIL, "to": "nobody", "subject": "{x}"}, MAIL]}
    told = [Fault("destinations.0.subject", "is wrong.")]

    assert [one.field for one in more_faults(value, told)] == ["destinations.0.to"]
    assert more_faults(value, [*told, Fault("destinations.0.to", "is wrong.")]) == []


def test_the_formats_begin_with_the_first_and_keep_what_the_report_lost() -> None:
    assert formats_field(REPORT, {}, ()).value == ("csv",)
    kept = formats_field(REPORT, {"formats": ["pdf"]}, ("Choose another.",))
    assert (kept.value, [one.value for one in kept.options]) == (("pdf",), ["csv", "html", "pdf"])


def test_buttons_change_the_part_and_say_where_to_go_on() -> None:
    value = changes.with_one_more({}, "email", "corp-smtp", REPORT)
    assert value == {"formats": ["csv"], "destinations": [{"channel": "email", "connection": "corp-smtp"}]}
    value = changes.with_one_more(value, "folder", "shared", REPORT)

    inserted, name = changes.with_variable(value, "0 {time}")
    assert (inserted["destinations"][0]["subject"], name) == (
        *("{report_name} {date} {time}", "destinations-0-subject"),
    )
    inserted, name = changes.with_variable(value, "1 {time}")
    assert inserted["destinations"][1]["path"].endswith("{ext}{time}")
    assert changes.without_one(value, 0)["destinations"] == [{"channel": "folder", "connection": "shared"}]
    assert len(changes.without_one(value, 7)["destinations"]) == 2

    people = {"destinations": [MAIL, {**MAIL, "to": "x@\nA <a@x.org>, b@x.org\na@x.org"}]}
    dropped, name = changes.without_person(people, "0 to ada@example.org")
    assert (dropped["destinations"][0]["to"], name) == (["bo@example.org"], "destinations-0-to")
    dropped, _ = changes.without_person(people, "1 to a@x.org")
    assert dropped["destinations"][1]["to"] == "x@\nb@x.org"
    for hostile in ("", "x", "9 to a", "-1 to a", HOSTILE):
        assert changes.without_person(people, hostile) == (people, "")
        assert changes.with_variable(people, hostile) == (people, "")
    assert changes.without_person(people, "0 subject a") == (people, "")


def test_a_channel_without_a_connection_says_what_to_do() -> None:
    for may_make in (True, False):
        found = {one.channel: one for one in choices(SMTP, "", may_make=may_make)}
        assert set(found) == set(CHANNELS)
        assert (found["email"].chosen, found["email"].only) == (True, "corp-smtp")
        assert found["sftp"].connection is None
        assert found["sftp"].none
        assert (found["sftp"].link is not None) is may_make


def test_every_step_and_variable_has_words() -> None:
    assert set(STEPS) == set(StepName)
    assert set(WORDS) == set(KNOWN)
    assert unknown_words("{date:%Y} {date}", list(KNOWN)) == []


def test_a_failed_check_says_how_far_it_came() -> None:
    steps = [
        Step(StepName.CONNECT, True, "It answers.", "", 0.1),
        Step(StepName.LOGIN, False, "535 no.", "Check the password.", 0.2),
    ]
    found = failed("check", CheckFailed(Refused("535 no.", remedy="Check the password."), steps))

    assert (found.tone, found.remedy) == ("bad", "Check the password.")
    assert "535 no." in found.heading
    assert [one.ok for one in found.steps] == [True, False]
