"""The rules for Prometheus, asked by its own promtool: each fires in one test, and is silent in one nearly the same."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from mailroom.watching.figures.metrics import METRICS
from tests.support.programs import needs

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "operations"
RULES, TESTS = FOLDER / "prometheus-rules.yml", FOLDER / "prometheus-rules.test.yml"
DASHBOARD = FOLDER / "grafana-dashboard.json"
_PARTS = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",), "gauge": ("",)}
SHOWN = {metric.name + part for metric in METRICS for part in _PARTS[metric.kind]}
LABELS = {metric.name: {*metric.labels, *(["le"] if metric.kind == "histogram" else [])} for metric in METRICS}


@pytest.fixture(scope="module")
def promtool() -> Path:
    """Return Prometheus's own tool, which Debian's package brings."""
    return needs("promtool", "prometheus")


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def cases() -> list[tuple[str, bool, set[str]]]:
    """Return of each test the alert, whether it fires, and the series that it is given."""
    found = []
    for test in yaml.safe_load(TESTS.read_text())["tests"]:
        given = {re.split(r"[{ ]", one["series"])[0] for one in test["input_series"]}
        found += [(one["alertname"], bool(one["exp_alerts"]), given) for one in test["alert_rule_test"]]
    return found


def metrics_in(query: str, recorded: set[str]) -> set[str]:
    """Return the names of our metrics in a query, and those that a rule records."""
    return {
        name for name in re.findall(r"\bmailroom[a-z0-9_:]*", re.sub(r'"[^"]*"', "", query)) if name not in recorded
    }


def run(*command: str | Path) -> str:
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_accepts_the_rules_and_every_test_comes_out_as_it_says(promtool: Path) -> None:
    run(promtool, "check", "rules", RULES)
    run(promtool, "test", "rules", TESTS)


def test_every_alert_has_a_test_in_which_it_fires_and_one_nearly_the_same_in_which_it_does_not() -> None:
    alerts = {rule["alert"] for rule in rules() if "alert" in rule}
    assert {name for name, _, _ in cases()} == alerts
    for alert in alerts:
        firing = [given for name, fires, given in cases() if name == alert and fires]
        silent = [given for name, fires, given in cases() if name == alert and not fires]
        assert any(one == other for one in firing for other in silent), f"{alert}: the two tests have other series"


def test_every_alert_says_what_happened_and_what_to_do() -> None:
    for rule in rules():
        if "alert" in rule:
            assert rule["labels"]["severity"] in ("warning", "critical")
            assert rule["annotations"].keys() == {"summary", "action", "runbook_url"}


def queries() -> dict[str, str]:
    """Return every query of rules and dashboard, by where it stands."""
    found = {f"rule {rule.get('alert') or rule['record']}": str(rule["expr"]) for rule in rules()}
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            found[f"panel {panel['title']}, {target['refId']}"] = target["expr"]
    return found


def test_rules_and_dashboard_ask_for_metrics_and_labels_that_there_are() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    assert len(queries()) > 30
    for place, query in queries().items():
        asked = metrics_in(query, recorded)
        assert asked <= SHOWN, place
        assert asked or any(name in query for name in recorded), place
        for name, selector in re.findall(r"\b(mailroom_[a-z0-9_]+){([^}]*)}", query):
            plain = re.sub(r"_(total|bucket|sum|count)$", "", name) if name not in LABELS else name
            labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector)) - {"job", "instance"}
            assert labels <= LABELS[plain], place


def test_a_query_for_a_metric_that_is_not_there_is_found() -> None:
    assert metrics_in('rate(mailroom_pigeons_total{job="mailroom_x"}[5m])', set()) == {"mailroom_pigeons_total"}


def test_the_dashboard_shows_every_metric() -> None:
    shown = {name for query in queries().values() for name in metrics_in(query, set())}
    missing = [one.name for one in METRICS if not any(name.startswith(one.name) for name in shown)]
    assert missing == []
