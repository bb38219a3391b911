"""The settings of alerts, and their secrets."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from mailroom.settings import load
from prefect_mailroom.errors import ConfigurationError

SECRET = "whsec_" + base64.b64encode(b"a-signing-secret-of-32-bytes-len").decode()
PREFIX = "MAILROOM_ALERTS__"


def test_addresses_are_read_as_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}OPERATOR_MAIL", "ops@Example.com, oncall@example.com;ops@example.com")
    monkeypatch.setenv(f"{PREFIX}TEAM_MAIL", '{"Sales": "sales@example.com"}')
    alerts = load().alerts
    assert alerts.operators == ("ops@example.com", "oncall@example.com")
    assert alerts.team_mail == {"Sales": "sales@example.com"}
    assert not alerts.has_webhook


def test_a_secret_comes_from_a_file_or_another_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    monkeypatch.setenv(f"{PREFIX}WEBHOOK_SECRET_FILE", str(file))
    monkeypatch.setenv("HOOK_ADDRESS", "https://hooks.example.com/x?token=1")
    monkeypatch.setenv(f"{PREFIX}WEBHOOK_URL", "env:HOOK_ADDRESS")
    alerts = load().alerts
    assert alerts.webhook_secret.get_secret_value() == SECRET
    assert alerts.webhook_url.get_secret_value() == "https://hooks.example.com/x?token=1"
    assert SECRET not in repr(alerts)
    assert "token" not in repr(alerts)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPERATOR_MAIL", "canary"),
        ("TEAM_MAIL", '{"Sales": "canary"}'),
        ("WEBHOOK_SECRET", "canary"),
        ("WEBHOOK_URL", "canary"),
        ("WEBHOOK_URL", "https://user:canary@hooks.example.com/"),
        ("QUIET_HOURS", "22-7"),
        ("QUIET_HOURS", "22:00-25:00"),
        ("QUIET_HOURS", "22:00-22:00"),
        ("OPERATOR_MAILS", "ops@example.com"),
    ],
)
def test_a_wrong_one_stops_the_start_and_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(ConfigurationError) as found:
        load()
    assert f"{PREFIX}{name}" in str(found.value)
    if "WEBHOOK" in name:
        assert "canary" not in str(found.value)


def test_requests_need_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}WEBHOOK_URL", "https://hooks.example.com/")
    with pytest.raises(ConfigurationError, match="webhook_secret"):
        load()
