"""Production does not start with unsafe settings; all of them are named at once, and none of their values is shown."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from api.app import create_app
from cli.doctor import secrets as doctor
from cli.doctor.finding import Level
from mailroom.safety.unsafe import Program, of_prefect, refuse, refuse_all, unsafe
from mailroom.settings import Settings
from prefect_mailroom.errors import ConfigurationError

SAFE: dict[str, Any] = {
    "mode": "production",
    "api_key": secrets.token_urlsafe(32),
    "key_pepper": secrets.token_hex(32),
    "audit_key": base64.b64encode(secrets.token_bytes(32)).decode(),
    "prefect_encryption_key": Fernet.generate_key().decode(),
    "database_url": "postgresql://mailroom:8Jq2nV0sPz@db/mailroom",
    "prefect_api_url": "http://prefect:4200/api",
    "public_address": "https://reports.corp.net",
    "owner_email": "operators@corp.net",
}
ENVIRONMENT = {"PREFECT_API_AUTH_STRING": "mailroom:Zk83hfLq0x"}


def _fields(changes: dict[str, Any], environment: dict[str, str] | None = None) -> list[str]:
    settings = Settings.model_validate({**SAFE, **changes})
    return [fault.field for fault in unsafe(settings, {**ENVIRONMENT, **(environment or {})})]


def test_safe_settings_have_no_fault() -> None:
    assert _fields({}) == []
    refuse(Settings.model_validate(SAFE), ENVIRONMENT)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"api_key": ""}, "MAILROOM_API_KEY"),
        ({"prefect_encryption_key": ""}, "PREFECT_SERVER_ENCRYPTION_KEY"),
        ({"database_url": ""}, "MAILROOM_DATABASE_URL"),
        ({"database_url": "sqlite:////var/lib/mailroom.db"}, "MAILROOM_DATABASE_URL"),
        ({"database_url": "postgresql://postgres:postgres@db/mailroom"}, "MAILROOM_DATABASE_URL"),
        ({"database_url": "no url"}, "MAILROOM_DATABASE_URL"),
        ({"database_url": "mysql://mailroom:8Jq2nV0sPz@db/mailroom"}, "MAILROOM_DATABASE_URL"),
        ({"prefect_database_url": "sqlite:////prefect.db"}, "MAILROOM_PREFECT_DATABASE_URL"),
        ({"prefect_api_url": ""}, "MAILROOM_PREFECT_API_URL"),
        ({"public_address": ""}, "MAILROOM_PUBLIC_ADDRESS"),
        ({"public_address": "http://reports.corp.net"}, "MAILROOM_PUBLIC_ADDRESS"),
        ({"frame_ancestors": "https://a.corp.net http://b.corp.net"}, "MAILROOM_FRAME_ANCESTORS"),
        ({"trusted_proxies": "10.0.0.1 0.0.0.0/0"}, "MAILROOM_TRUSTED_PROXIES"),
        ({"trusted_proxies": "::/0"}, "MAILROOM_TRUSTED_PROXIES"),
        ({"owner_email": "owner@localhost"}, "MAILROOM_OWNER_EMAIL"),
        ({"owner_email": "ada@example.com"}, "MAILROOM_OWNER_EMAIL"),
    ],
)
def test_each_unsafe_setting_is_named(changes: dict[str, Any], field: str) -> None:
    assert _fields(changes) == [field]


@pytest.mark.parametrize(
    ("environment", "field"),
    [
        ({"PREFECT_API_AUTH_STRING": ""}, "PREFECT_API_AUTH_STRING"),
        ({"PREFECT_API_AUTH_STRING": "admin:pass"}, "PREFECT_API_AUTH_STRING"),
        ({"MAILROOM_OUTBOUND_ALLOW": "smtp.corp.net, 0.0.0.0/0"}, "MAILROOM_OUTBOUND_ALLOW"),
        ({"MAILROOM_PLAIN_FTP_ALLOW": "*"}, "MAILROOM_PLAIN_FTP_ALLOW"),
        ({"MAILROOM_DEBUG": "1"}, "MAILROOM_DEBUG"),
        ({"PREFECT_DEBUG_MODE": "true"}, "PREFECT_DEBUG_MODE"),
    ],
)
def test_each_unsafe_variable_is_named(environment: dict[str, str], field: str) -> None:
    assert _fields({}, environment) == [field]


@pytest.mark.parametrize(
    ("changes", "environment"),
    [
        ({"prefect_api_url": "http://127.0.0.1:4200/api"}, {"PREFECT_API_AUTH_STRING": ""}),
        ({}, {"PREFECT_API_AUTH_STRING": "", "PREFECT_API_KEY": "pnu_1234"}),
        ({"public_address": "http://localhost:8080"}, {}),
        ({"trusted_proxies": "10.0.0.0/8"}, {"MAILROOM_OUTBOUND_ALLOW": "10.0.0.0/8", "MAILROOM_DEBUG": "0"}),
        ({"database_url": "postgresql:///mailroom?host=/run/postgresql"}, {}),
    ],
)
def test_what_only_looks_unsafe_is_allowed(changes: dict[str, Any], environment: dict[str, str]) -> None:
    assert _fields(changes, environment) == []


def test_everything_wrong_is_told_at_once_and_no_value_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_AUTH_STRING", raising=False)
    monkeypatch.setenv("MAILROOM_DEBUG", "1")
    password = "postgres"
    settings = Settings(
        mode="production",
        data_dir=tmp_path,
        database_url=f"postgresql://postgres:{password}@db/m",
        prefect_api_url="http://prefect/api",
        api_key="changeme",
    )
    with pytest.raises(ConfigurationError) as refused:
        create_app(settings)
    told = str(refused.value)
    named = {fault.field for fault in unsafe(settings, {"MAILROOM_DEBUG": "1"})}
    assert len(named) == 9
    assert all(name in told for name in named)
    assert f":{password}@" not in told
    assert "changeme" not in told
    shown = {one.check for one in doctor.safe(settings, {"MAILROOM_DEBUG": "1"}) if one.level is Level.PROBLEM}
    assert shown == named, "the doctor has the same list"


def test_production_never_falls_back_to_a_file_or_to_this_machine(tmp_path: Path) -> None:
    settings = Settings(mode="production", data_dir=tmp_path)
    for name in ("database", "prefect_api"):
        with pytest.raises(ConfigurationError):
            getattr(settings, name)


def test_an_embedded_system_has_no_unsafe_settings(tmp_path: Path) -> None:
    assert unsafe(Settings(data_dir=tmp_path), {"MAILROOM_DEBUG": "1"}) == []


def test_a_program_needs_only_what_concerns_it() -> None:
    secrets = dict.fromkeys(("api_key", "key_pepper", "audit_key", "prefect_encryption_key"), "")
    without = {"worker": {"owner_email": "owner@localhost"}, "renderers": {"owner_email": "owner@localhost"}}
    for program in (Program.WORKER, Program.RENDERERS, Program.INIT):
        kept = {**SAFE, **secrets, **without.get(program.name.lower(), {"public_address": ""})}
        login = {} if program is Program.RENDERERS else ENVIRONMENT
        assert unsafe(Settings.model_validate(kept), login, program) == [], program
        assert unsafe(Settings.model_validate({"mode": "production"}), {}, program) != [], program


PREFECT = {
    "PREFECT_SERVER_DATABASE_CONNECTION_URL": "postgresql+asyncpg://prefect:8Jq2nV0sPz@db/prefect",
    "PREFECT_SERVER_ENCRYPTION_KEY": Fernet.generate_key().decode(),
    "PREFECT_SERVER_API_AUTH_STRING": "mailroom:Zk83hfLq0x",
}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"PREFECT_SERVER_DATABASE_CONNECTION_URL": ""}, "PREFECT_SERVER_DATABASE_CONNECTION_URL"),
        (
            {"PREFECT_SERVER_DATABASE_CONNECTION_URL": "sqlite+aiosqlite:///prefect.db"},
            "PREFECT_SERVER_DATABASE_CONNECTION_URL",
        ),
        ({"PREFECT_SERVER_ENCRYPTION_KEY": ""}, "PREFECT_SERVER_ENCRYPTION_KEY"),
        ({"PREFECT_SERVER_ENCRYPTION_KEY": "short"}, "PREFECT_SERVER_ENCRYPTION_KEY"),
        ({"PREFECT_SERVER_API_AUTH_STRING": ""}, "PREFECT_SERVER_API_AUTH_STRING"),
        ({"PREFECT_SERVER_API_AUTH_STRING": "admin:pass"}, "PREFECT_SERVER_API_AUTH_STRING"),
        ({"PREFECT_DEBUG_MODE": "1"}, "PREFECT_DEBUG_MODE"),
    ],
)
def test_prefects_own_programs_name_each_unsafe_variable(changes: dict[str, str], field: str) -> None:
    assert [fault.field for fault in of_prefect({**PREFECT, **changes}, listens="0.0.0.0")] == [field]


def test_prefects_own_programs_start_with_safe_ones() -> None:
    refuse_all(of_prefect(PREFECT, listens="0.0.0.0"))
    open_one = {**PREFECT, "PREFECT_SERVER_API_AUTH_STRING": ""}
    for listens in (None, "127.0.0.1", "::1", "localhost"):
        assert of_prefect(open_one, listens=listens) == []
