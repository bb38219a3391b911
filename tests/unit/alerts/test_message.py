"""What alerts say."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from mailroom.alerts.words.message import concerns, message_of, path_of
from mailroom.incidents.spec import IncidentKind, Level, Severity, Stage
from mailroom.incidents.words.story import Story

BASE = "https://reports.example.com"
BEGAN = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
ONE = Story(
    incident_id="i1",
    kind=IncidentKind.SCHEDULE_FAILING,
    severity=Severity.ERROR,
    stage=Stage.OPENED,
    level=Level.OWNER,
    subject="s1",
    opened_at=BEGAN,
    values={"why": "The query failed", "failures": 3},
    schedules=("EMEA weekly sales",),
    schedule_id="s1",
    zone="Europe/Berlin",
)
OVER = replace(ONE, stage=Stage.RESOLVED, resolved_at=BEGAN + timedelta(hours=2, minutes=5))


@pytest.mark.parametrize(("kind", "stage", "level"), product(IncidentKind, Stage, Level))
def test_every_kind_stage_and_level_has_words(kind: IncidentKind, stage: Stage, level: Level) -> None:
    story = replace(OVER if stage is Stage.RESOLVED else ONE, kind=kind, stage=stage, level=level, values={})
    for shown in (story, replace(story, schedules=(), schedule_id="", subject="thing")):
        message = message_of(shown, BASE)
        for text in (message.title, message.body, message.subject, message.text, message.html):
            assert text.strip()
            assert not re.search(r"\bNone\b|\{\{|\{%|\bTrue\b|MAILROOM_|/api/", text)
        assert "\n" not in message.subject


def test_a_mail_says_what_since_when_and_what_to_do() -> None:
    message = message_of(ONE, BASE)
    for words in ("EMEA weekly sales", "The query failed.", "3 times in a row", "10:00 CET", f"{BASE}/schedules/s1"):
        assert words in message.text
        assert words in html.unescape(message.html)
    assert "What to do" in message.text


def test_the_end_says_how_long_it_lasted_and_asks_for_nothing() -> None:
    message = message_of(OVER, BASE)
    assert "2 h 5 min" in message.text
    assert "What to do" not in message.text + message.html
    assert message.subject.endswith(message_of(ONE, BASE).subject)


def test_a_mail_says_where_to_mute_it_and_where_to_choose_what_one_is_told() -> None:
    mute, choose = f"{BASE}/monitoring/incidents/i1", f"{BASE}/me"
    for story, links in (
        (ONE, [mute, choose]),
        (replace(ONE, level=Level.OPERATOR), [mute]),
        (OVER, [choose]),
        (replace(ONE, incident_id="", level=Level.OPERATOR), []),
    ):
        message = message_of(story, BASE)
        for text, found in (
            (message.text, [link for link in (mute, choose) if re.search(rf"{link}$", message.text, re.MULTILINE)]),
            (message.html, [link for link in (mute, choose) if f'href="{link}"' in message.html]),
        ):
            assert found == links, text


def test_an_escalation_says_that_it_is_one() -> None:
    escalated = message_of(replace(ONE, stage=Stage.ESCALATED, level=Level.TEAM), BASE)
    assert escalated.subject != message_of(ONE, BASE).subject
    assert "team" in escalated.text


def test_what_others_have_written_is_text() -> None:
    evil = "<img src=x onerror=alert(1)>\r\nBcc: all@example.com"
    message = message_of(replace(ONE, schedules=(evil,), values={"why": evil}), BASE)
    assert "<img" not in message.html
    assert not re.search(r"[\r\n]", message.subject + message.title)


def test_many_schedules_are_counted_and_some_are_named() -> None:
    names = tuple(f"Report {number}" for number in range(7))
    many = replace(
        ONE, kind=IncidentKind.CONNECTION_FAILING, subject="smtp", schedules=names, schedule_id="", others=493
    )
    assert "500 schedules of yours" in concerns(many)
    assert "495 more" in concerns(many)
    assert "Report 6" not in concerns(many)


@pytest.mark.parametrize(
    ("story", "path"),
    [
        (ONE, "/schedules/s1"),
        (replace(ONE, kind=IncidentKind.CONNECTION_FAILING, subject="corp smtp/x"), "/connections/corp%20smtp%2Fx"),
        (replace(ONE, kind=IncidentKind.DISK_LOW, schedule_id="", subject="data"), "/monitoring"),
    ],
)
def test_the_link_leads_to_what_it_is_about(story: Story, path: str) -> None:
    assert path_of(story) == path


def test_a_test_says_so() -> None:
    message = message_of(ONE, BASE, is_test=True)
    assert "test" in message.text.splitlines()[0]
    assert "This is a test of alerts" in message.html
