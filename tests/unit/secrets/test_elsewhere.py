"""Secrets come from files and from other variables, and a mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded.prefect_server import read_key_from_file
from mailroom.settings import load
from prefect_mailroom.errors import ConfigurationError

SECRET = "a-random-value-of-more-than-thirty-two-characters"


def test_a_secret_comes_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pepper").write_text(f"{SECRET}\n")
    monkeypatch.setenv("MAILROOM_KEY_PEPPER_FILE", str(tmp_path / "pepper"))
    monkeypatch.setenv("PREFECT_SERVER_ENCRYPTION_KEY_FILE", str(tmp_path / "pepper"))
    settings = load()
    assert settings.key_pepper.get_secret_value() == SECRET
    assert settings.prefect_encryption_key.get_secret_value() == SECRET
    assert SECRET not in repr(settings)


def test_a_secret_comes_from_another_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_API_KEY", SECRET)
    monkeypatch.setenv("MAILROOM_API_KEY", "env:VAULT_API_KEY")
    monkeypatch.setenv("MAILROOM_DATABASE_URL", "env:VAULT_URL")
    monkeypatch.setenv("VAULT_URL", "postgresql://mailroom:pass@db/mailroom")
    settings = load()
    assert settings.api_key.get_secret_value() == SECRET
    assert settings.database == "postgresql+asyncpg://mailroom:pass@db/mailroom"


@pytest.mark.parametrize(
    "variables",
    [
        {"MAILROOM_API_KEY_FILE": "/nowhere/key"},
        {"MAILROOM_API_KEY_FILE": "{empty}"},
        {"MAILROOM_API_KEY_FILE": "{full}", "MAILROOM_API_KEY": SECRET},
        {"MAILROOM_API_KEY": "env:NOT_SET_ANYWHERE"},
    ],
    ids=["no file", "an empty file", "both", "no variable"],
)
def test_a_mistake_is_named_and_the_secret_is_not(
    variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "full").write_text(SECRET)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(empty=tmp_path / "empty", full=tmp_path / "full"))
    with pytest.raises(ConfigurationError) as refused:
        load()
    assert refused.value.field.startswith("MAILROOM_API_KEY")
    assert SECRET not in str(refused.value)


def test_our_prefect_server_reads_its_key_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    (tmp_path / "key").write_text(SECRET)
    monkeypatch.setenv("PREFECT_SERVER_ENCRYPTION_KEY", "")
    monkeypatch.setenv("PREFECT_SERVER_ENCRYPTION_KEY_FILE", str(tmp_path / "key"))
    read_key_from_file()
    assert os.environ["PREFECT_SERVER_ENCRYPTION_KEY"] == SECRET
