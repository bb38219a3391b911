"""Production does not start with a secret that is missing, short or known to everybody."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from api.app import create_app
from mailroom.safety.unsafe import refuse
from mailroom.secrets.required import faults, of_settings
from mailroom.settings import Settings, load
from prefect_mailroom.errors import ConfigurationError

GOOD = {
    "MAILROOM_API_KEY": secrets.token_urlsafe(32),
    "MAILROOM_KEY_PEPPER": secrets.token_hex(32),
    "MAILROOM_AUDIT_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
    "PREFECT_SERVER_ENCRYPTION_KEY": Fernet.generate_key().decode(),
}


@pytest.fixture(autouse=True)
def _no_other_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in GOOD:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


def _load(folder: Path, secrets: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the settings of a production system, from its environment as at a start."""
    given = {
        "MAILROOM_MODE": "production",
        "MAILROOM_DATA_DIR": str(folder),
        "MAILROOM_DATABASE_URL": "postgresql://m:Kd82nfQ0aZ@db/m",
        "MAILROOM_PUBLIC_ADDRESS": "https://reports.corp.net",
        "MAILROOM_OWNER_EMAIL": "operators@corp.net",
        "MAILROOM_PREFECT_API_URL": "http://127.0.0.1:9/api",
        **secrets,
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return load()


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("bad", ["", "   ", "Zq3xW9vB7nM1kL5jH2gF4dS6aP8oI0u"], ids=["missing", "blank", "short"])
def test_security_38_production_does_not_start_with_a_bad_secret(
    name: str, bad: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        create_app(_load(tmp_path, {**GOOD, name: bad}, monkeypatch))
    named = {one for one in GOOD if one in refused.value.message}
    assert named == {name}
    assert refused.value.remedy


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize(
    "bad",
    [
        "changeme" * 5,
        "my-Change-Me-please-0123456789abcdefghijkl",
        "your-key-goes-here-abcdefghijklmnopqrstuv",
        "secretsecretsecretsecretsecretsecret",
        "x" * 44,
        "abababababababababababababababababababab",
    ],
)
def test_security_38_a_default_or_an_example_is_refused(name: str, bad: str) -> None:
    assert [fault.field for fault in faults({**GOOD, name: bad})] == [name]


def test_security_38_every_bad_secret_is_named_and_none_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = dict.fromkeys(GOOD, "changeme-changeme-changeme-changeme")
    with pytest.raises(ConfigurationError) as refused:
        refuse(_load(tmp_path, bad, monkeypatch), os.environ)
    assert all(name in refused.value.message for name in GOOD)
    assert "changeme-" not in str(refused.value)


def test_security_38_one_secret_is_not_used_twice() -> None:
    twice = {**GOOD, "MAILROOM_KEY_PEPPER": GOOD["MAILROOM_API_KEY"]}
    assert [fault.field for fault in faults(twice)] == ["MAILROOM_KEY_PEPPER"]


def test_security_38_keys_have_their_form() -> None:
    shapeless = {name: f"Q7s!kd93jfKs8d7f6g5h4j3k2l1m0n9b8v7c6x{number}" for number, name in enumerate(GOOD)}
    found = {fault.field for fault in faults(shapeless)}
    assert found == {"MAILROOM_AUDIT_KEY", "PREFECT_SERVER_ENCRYPTION_KEY"}


def test_good_secrets_start_and_an_embedded_system_needs_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _load(tmp_path, GOOD, monkeypatch)
    refuse(settings, os.environ)
    assert of_settings(settings) == GOOD
    refuse(Settings(data_dir=tmp_path), os.environ)
