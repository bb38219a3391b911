"""The settings of log-in: what would make it unsafe stops the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mailroom.settings import Settings

PROVIDER = {"oidc_issuer": "https://id.example", "oidc_client_id": "us"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"oidc_issuer": "http://id.example", "oidc_client_id": "us"},
        {"oidc_issuer": "https://id.example?x=1", "oidc_client_id": "us"},
        {"oidc_issuer": "id.example", "oidc_client_id": "us"},
        {"oidc_issuer": "https://id.example"},
        {**PROVIDER, "oidc_algorithms": ["none"]},
        {**PROVIDER, "oidc_algorithms": ["RS256", "HS256"]},
        {**PROVIDER, "oidc_algorithms": []},
        {**PROVIDER, "oidc_roles": {"all": "owner"}},
        {**PROVIDER, "oidc_default_role": "admin"},
        {**PROVIDER, "oidc_leeway_seconds": 3600},
        {"frame_ancestors": "*"},
        {"frame_ancestors": "https://a.example; script-src *"},
        {"frame_ancestors": "https://a.example/path"},
        {"frame_ancestors": "javascript:x"},
    ],
)
def test_security_31_unsafe_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)


def test_they_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of the client\n")
    for name, value in {
        "ISSUER": "https://id.example/realms/x",
        "CLIENT_ID": "us",
        "CLIENT_SECRET_FILE": str(tmp_path / "secret"),
        "ROLES": '{"chiefs": "admin"}',
        "ALGORITHMS": '["ES256"]',
    }.items():
        monkeypatch.setenv(f"MAILROOM_OIDC_{name}", value)
    found = Settings()
    assert (found.oidc_client_secret.get_secret_value(), found.oidc_roles["chiefs"], found.oidc_algorithms) == (
        "of the client",
        "admin",
        ["ES256"],
    )
    assert "of the client" not in repr(found)


def test_passwords_are_for_the_embedded_mode_unless_they_are_wanted() -> None:
    assert Settings().local_log_in
    production = {
        "mode": "production",
        "database_url": "postgresql://db/x",
        "prefect_api_url": "http://prefect/api",
        "api_key": "x" * 40,
    }
    assert not Settings.model_validate(production).local_log_in
    assert Settings.model_validate(production | {"local_accounts": True}).local_log_in
