"""Whatever can alert has a runbook, with the same four parts, and each alert leads to it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from mailroom.alerts.words.message import RUNBOOKS, message_of
from mailroom.incidents.spec import IncidentKind, Level, Severity, Stage
from mailroom.incidents.words.story import Story
from scripts.reference.markdown import anchor

ROOT = Path(__file__).resolve().parents[3]
SECTIONS = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", (ROOT / RUNBOOKS).read_text(), re.MULTILINE | re.DOTALL))
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "docs/operations/prometheus-rules.yml").read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
]
STORY = Story(
    incident_id="i1",
    kind=IncidentKind.QUEUE_BEHIND,
    severity=Severity.ERROR,
    stage=Stage.OPENED,
    level=Level.OPERATOR,
    subject="queue",
    opened_at=datetime(2026, 11, 26, 9, 0, tzinfo=UTC),
)


def test_every_alert_has_a_section_and_every_section_an_alert() -> None:
    assert set(SECTIONS) == {*IncidentKind, *(rule["alert"] for rule in RULES)}


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_has_its_four_parts(name: str) -> None:
    text = " ".join(SECTIONS[name].split()).lower()
    for part in ("**it means**", "**see it**", "**do**", "**it is over**"):
        assert part in text, part


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_a_rule_leads_to_its_section(rule: dict[str, Any]) -> None:
    assert rule["annotations"]["runbook_url"] == f"{RUNBOOKS}#{anchor(rule['alert'])}"


@pytest.mark.parametrize("kind", IncidentKind)
def test_a_mail_to_operators_leads_to_its_section(kind: IncidentKind) -> None:
    message = message_of(replace(STORY, kind=kind), "https://reports.example.com")
    assert f"{RUNBOOKS}#{anchor(kind)}" in message.text
    where = "https://docs.example.com/operations/runbooks.html"
    linked = message_of(replace(STORY, kind=kind), "https://reports.example.com", runbooks=where)
    assert f'<a href="{where}#{anchor(kind)}"' in linked.html


def test_owners_are_not_sent_to_runbooks_and_ends_have_none() -> None:
    for story in (replace(STORY, level=Level.OWNER), replace(STORY, stage=Stage.RESOLVED, resolved_at=STORY.opened_at)):
        message = message_of(story, "https://reports.example.com")
        assert RUNBOOKS not in message.text + message.html
