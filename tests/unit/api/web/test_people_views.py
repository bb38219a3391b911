"""The words of the audit trail, of users and keys, choices of zones, and links that stay within a frame."""

from __future__ import annotations

import inspect
import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from api.actions.audit.reading import Reading
from api.actions.audit.views import AuditView
from api.http.browser.pages import STYLE
from api.http.browser.redirects import framed, is_framed, unframed
from api.web import embedding
from api.web.audit import view
from api.web.audit.differences import Change, changes_of, facts_of
from api.web.audit.sentences import KINDS, permission_words, sentence
from api.web.choices.locales import LOCALES, locale_options
from api.web.me.view import browser_words
from api.web.when import When, locale_of, zone_of
from mailroom import audit
from mailroom.access.permissions import Action
from mailroom.audit.events import Event
from mailroom.audit.sealing.standing import Standing
from mailroom.settings import CHECKOUT

NOW = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)


def _events() -> list[type[Event]]:
    for file in Path(inspect.getfile(audit)).parent.glob("*events.py"):
        __import__(f"mailroom.audit.{file.stem}")
    found, todo = [], [Event]
    while todo:
        one = todo.pop()
        todo += one.__subclasses__()
        if hasattr(one, "action") and hasattr(one, "entity_type"):
            found.append(one)
    return found


def test_every_event_is_told_as_a_sentence_without_codes() -> None:
    events = _events()
    assert len(events) > 60
    for event in events:
        told = sentence(event.entity_type, event.action, "id-1", "Weekly sales", {}).text
        assert "_" not in told, event
        assert "{" not in told, event
        assert event.entity_type in KINDS or event.entity_type.replace("_", " ") in told or " " in told, event


def test_who_is_no_person_has_a_name_that_people_understand() -> None:
    when = When(zone_of("Europe/Berlin"), locale_of("en-GB"), hours24=True, now=NOW)
    given = {"id": "a-1", "at": NOW, "on_behalf_of": None, "action": "created", "entity_type": "report"}
    items = [AuditView(**given, entity_id="r", detail={}, actor=one) for one in ("mailroom", "sync", "ada@example.com")]
    found = Reading(items, None, {}, Standing(3, NOW, None))
    page = view.page_of({}, found, {}, when, sees_all=True, exports=False)
    assert [one.actor for one in page.entries] == [
        "Mailroom",
        "Mailroom, from a folder of reports,",
        "ada@example.com",
    ]


def test_a_sentence_links_to_its_thing_and_says_how_it_ended() -> None:
    sent = sentence("execution", "sent", "x/1", "Sales", {"recipient": "ada@example.com", "outcome": "unknown"})
    assert (sent.thing, sent.href) == ("Sales", "/executions/x%2F1")
    assert sent.after.endswith("ada@example.com: not confirmed")
    assert sentence("schedule", "deleted", "s", "Sales", {}).href == "", "there is no page any more"
    hostile = sentence("key", "created", "k", "k", {"prefix": "{owner}", "owner": "{0.__class__}"})
    assert hostile.text == "made the key {owner} for {0.__class__}", "what is filled in is not filled in again"


@pytest.mark.parametrize("action", Action)
def test_every_permission_has_words(action: Action) -> None:
    assert "." not in permission_words(str(action))
    assert "_" not in permission_words(str(action))


def test_before_and_after_part_by_part() -> None:
    before = {"at": "09:00", "days": ["mon"], "to": [{"name": "a"}]}
    after = {"at": "09:07", "days": ["mon"], "to": [{"name": "a"}, {"name": "b"}]}
    found = changes_of({"changes": {"timing": [before, after], "name": ["x", "x"]}, "count": 3})
    assert found == (Change("timing › at", "09:00", "09:07"), Change("timing › to 2 › name", "", "b"))
    assert [(one.name, one.value) for one in facts_of({"changes": {}, "count": 3, "again": True})] == [
        ("count", "3"),
        ("again", "yes"),
    ]
    assert changes_of({"owner": ["a@x.org", "b@x.org"]}) == (Change("owner", "a@x.org", "b@x.org"),)
    assert facts_of({"path": "/api/v1/x", "method": "GET", "status": 404}) == facts_of({"status": 404})


def test_days_of_a_filter_are_the_readers_and_the_last_is_included() -> None:
    asked = view.asked({"from": "2026-11-26", "to": "2026-11-26", "thing": "schedule:s-1"}, ZoneInfo("Asia/Tokyo"))
    assert asked.wanted.since == datetime(2026, 11, 25, 15, tzinfo=UTC)
    assert asked.wanted.until == datetime(2026, 11, 26, 15, tzinfo=UTC)
    assert (asked.wanted.entity_type, asked.wanted.entity_id) == ("schedule", "s-1")
    wrong = view.asked({"from": "9999-12-31", "to": "9999-12-31"}, ZoneInfo("UTC"))
    assert set(wrong.faults) == {"to"}


def test_languages_show_an_example_of_each() -> None:
    options = locale_options(When(zone_of("UTC"), locale_of("en-GB"), hours24=True, now=NOW), chosen="sl-SI")
    assert [one.value for one in options] == ["sl-SI", *LOCALES]
    assert all("2026" in one.label or "٢٠٢٦" in one.label for one in options)
    assert next(one.label for one in options if one.value == "de-DE").endswith("1.204,5")


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/141 Safari/537 Edg/141",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18 Safari/604",
            "Safari on iPhone",
        ),
        ("", "A browser"),
    ],
)
def test_a_browser_in_two_words(agent: str, told: str) -> None:
    assert browser_words(agent) == told


def test_links_and_forms_stay_within_the_frame() -> None:
    html = (
        '<a href="/me">a</a><a href="/audit?x=1&amp;y=2#z">b</a><a href="/x" target="_blank">c</a>'
        '<form method="post" action="/me/password"></form><form method="get" action="/audit"></form>'
        '<link href="/static/app.css"><a href="https://example.org/">d</a><a href="#main">e</a>'
        '<button formaction="/x"></button><div hx-get="/rows?frame=1"></div>'
    )
    kept = embedding.keep(html)
    assert 'href="/me?frame=1"' in kept
    assert 'href="/audit?x=1&amp;y=2&amp;frame=1#z"' in kept
    assert '<a href="/x" target="_blank">' in kept
    assert 'action="/me/password?frame=1"' in kept
    assert '<form method="get" action="/audit"><input type="hidden" name="frame" value="1">' in kept
    assert 'href="/static/app.css"' in kept
    assert 'href="https://example.org/"' in kept
    assert 'href="#main"' in kept
    assert 'formaction="/x?frame=1"' in kept
    assert 'hx-get="/rows?frame=1"' in kept
    assert embedding.keep(kept).count("frame=1") == kept.count("frame=1"), "nothing is added twice"


@pytest.mark.parametrize("path", ["/", "/a?b=c", "/a?b=c#d", "/a#d", "/a?frame=0"])
def test_an_address_in_a_frame_and_out_of_it(path: str) -> None:
    inside = framed(path)
    assert is_framed(inside)
    assert not is_framed(unframed(inside))
    assert framed(inside) == inside
    assert inside.count("#") == path.count("#")


def test_the_pages_before_a_log_in_have_the_tokens_of_the_others() -> None:
    token = re.compile(r"--([\w-]+):(light-dark\([^;}]*\))")
    tokens = dict(token.findall((CHECKOUT / "api/web/assets/css/tokens.css").read_text()))
    here = dict(token.findall(STYLE))
    assert len(here) > 10
    assert {name: tokens.get(name) for name in here} == here
