"""Say what the pages of connections say, worked out from what the service answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.actions.connections.views import BreakerView, ConnectionView
from api.web.connection import checked, view
from api.web.connection.form import again, fields_in, form_of, sent, with_differences
from api.web.connection.kind import ABOUT, every_kind, kind_of
from api.web.connections import view as listed
from api.web.forms import Form
from api.web.when import When, locale_of
from mailroom.connections.kinds import kinds
from mailroom.errors import CheckFailed, Fault, Unavailable
from mailroom.states import BreakerState
from prefect_mailroom.channels.steps import Step, StepName

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
WHEN = When(ZoneInfo("UTC"), locale_of("en-GB"), hours24=True, now=NOW)
SECRET = {"secret": True}


def connection(**more: Any) -> ConnectionView:
    base = {"name": "mail", "kind": "email", "description": "", "created_at": NOW, "updated_at": NOW, "etag": '"1"'}
    return ConnectionView(**{**base, **more})


def breaker(state: BreakerState, **more: Any) -> BreakerView:
    base: dict[str, Any] = {"since": NOW, "reason": "7 of 10 failed.", "trips": 1, "failed": 7, "attempts": 10}
    return BreakerView(state=state, **{"next_probe_at": None, **base, **more})


@pytest.mark.parametrize(
    ("days", "words", "is_old"),
    [(0, "today", False), (1, "1 day", False), (89, "89 days", False), (90, "90 days", True)],
)
def test_a_secret_is_old_after_90_days(days: int, words: str, is_old: bool) -> None:
    told = listed.secret(NOW - timedelta(days=days), WHEN)
    assert (told.words, told.is_old) == (words, is_old)


def test_a_connection_that_does_not_work_is_counted_in_the_title() -> None:
    found = [
        connection(last_check_ok=True),
        connection(name="broken", last_check_ok=True, breaker=breaker(BreakerState.OPEN)),
        connection(name="refused", kind="sql", last_check_ok=False, last_check_message="No such host."),
    ]
    shown = listed.page(found, WHEN, may_create=True)
    assert shown.title.startswith("2 not working")
    assert [group.delivers for group in shown.groups] == [True, False]
    assert shown.no_senders
    assert shown.groups[1].rows[0].said == "No such host."


def test_an_empty_list_offers_a_step_only_to_those_who_may_take_it() -> None:
    admin, creator = (listed.page([], WHEN, may_create=may).empty for may in (True, False))
    assert admin is not None
    assert creator is not None
    assert (bool(admin.links), bool(creator.links)) == (True, False)


@pytest.mark.parametrize("state", [one for one in BreakerState if one is not BreakerState.CLOSED])
def test_a_breaker_that_is_not_closed_says_what_happens_next(state: BreakerState) -> None:
    probe = NOW + timedelta(minutes=5)
    told = view.broken(connection(breaker=breaker(state, next_probe_at=probe)), WHEN)
    assert told is not None
    assert (told.next_try is not None) is (state is BreakerState.OPEN)
    assert told.then


def test_a_closed_breaker_says_nothing() -> None:
    assert view.broken(connection(breaker=breaker(BreakerState.CLOSED)), WHEN) is None
    assert view.broken(connection(), WHEN) is None


def test_every_step_has_words() -> None:
    assert set(checked.STEPS) == set(StepName)


def test_a_check_that_failed_says_how_far_it_came() -> None:
    steps = [
        Step(StepName.RESOLVE, True, "It is 192.0.2.1.", "", 0.1),
        Step(StepName.CONNECT, False, "Nobody answers.", "Check the port.", 9.9),
    ]
    told = checked.failed(CheckFailed(Unavailable("Nobody answers.", remedy="Check the port."), steps))
    assert [step.chip.tone for step in told.steps] == ["ok", "bad"]
    assert (told.said, told.remedy) == ("Nobody answers.", "Check the port.")


def test_every_kind_has_words_and_a_form() -> None:
    assert set(ABOUT) == set(kinds())
    for kind in every_kind():
        form = form_of(kind, when=WHEN, is_new=True)
        assert form.name is not None
        assert fields_in(form.settings)


def test_a_rule_about_several_settings_is_told_at_the_one_that_it_names() -> None:
    faults = [
        Fault("settings", "password: give a password or a private key"),
        Fault("settings", "host and port differ"),
    ]
    form = form_of(kind_of("sftp"), {}, when=WHEN, faults=faults)
    errors = {one.name: one.errors for one in fields_in(form.settings) if one.errors}
    assert errors == {"settings-password": ("Give a password or a private key",)}
    assert [one.target for one in form.faults] == ["settings-password", ""]


def test_what_was_typed_is_kept_without_its_secrets() -> None:
    kind = kind_of("sftp")
    form = Form((("settings-host", "sftp.example.org"), ("settings-username", "u"), ("settings-password", "typed")))
    settings = sent(kind, form, {"private_key": SECRET})
    assert (settings["password"], settings["private_key"]) == ("typed", SECRET)
    shown, lost = again(kind, settings, {"private_key": SECRET})
    assert (shown["host"], shown["password"], shown["private_key"], lost) == ("sftp.example.org", None, SECRET, True)
    drawn = form_of(kind, shown, when=WHEN, secret_since=NOW)
    assert all(one.value == "" for one in fields_in(drawn.settings) if one.control == "password")
    assert not again(kind, sent(kind, Form(()), {"password": SECRET}), {"password": SECRET})[1]


def test_two_who_edit_at_once_see_what_differs() -> None:
    kind = kind_of("folder")
    mine = form_of(kind, {"root": "/mine"}, when=WHEN, description="Same", etag='"1"')
    theirs = form_of(kind, {"root": "/theirs"}, when=WHEN, description="Same", etag='"2"')
    both = with_differences(mine, theirs)
    assert [(one.here, one.saved) for one in both.differences] == [("/mine", "/theirs")]
    assert (both.etag, both.conflict) == ('"2"', True)


def test_settings_are_summed_up_without_what_is_as_usual() -> None:
    kind = kind_of("sftp")
    told = listed.secret(NOW, WHEN)
    rows = view.summary(kind, {"host": "h", "username": "u", "password": SECRET, "max_sessions": 9}, told)
    terms = {row.term: row.lines for row in rows}
    assert terms["Server"] == ("h",)
    assert terms["Password"][0].startswith("Set on")
    assert ("9",) in terms.values()
    assert not any("try" in term for term in terms)


def test_no_usual_port_stands_beside_the_port_that_is_set() -> None:
    kind = kind_of("email")
    told = listed.secret(NOW, WHEN)
    rows = view.summary(kind, {"credentials": {"smtp_server": "h", "smtp_type": 25, "smtp_port": 1025}}, told)
    lines = [line for row in rows for line in row.lines]
    assert {"None", "1025"} <= set(lines)
    assert not any("port" in line for line in lines)
