"""The doctor says which secrets are weak, old or left over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cli.doctor import secrets
from cli.doctor.finding import Level
from embedded.data_dir import BlockKeyFiles
from mailroom.settings import Settings
from mailroom.storage.model.audit import SecretAge

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_weak_secrets_are_problems_in_production_alone(tmp_path: Path) -> None:
    production = Settings(
        mode="production",
        data_dir=tmp_path,
        database_url="postgresql://db/mailroom",
        prefect_api_url="http://prefect:4200/api",
        api_key="changeme",
    )
    found = secrets.safe(production, {})
    assert {one.check for one in found if one.level is Level.PROBLEM} >= {
        "MAILROOM_API_KEY",
        "MAILROOM_KEY_PEPPER",
        "MAILROOM_AUDIT_KEY",
        "PREFECT_SERVER_ENCRYPTION_KEY",
    }
    assert all(one.remedy for one in found)
    assert [one.level for one in secrets.safe(Settings(data_dir=tmp_path), {})] == [Level.OK]


def test_old_secrets_are_warned_of(tmp_path: Path) -> None:
    rows = [
        SecretAge(name="MAILROOM_API_KEY", fingerprint="", since=NOW - timedelta(days=364)),
        SecretAge(name="MAILROOM_AUDIT_KEY", fingerprint="", since=NOW - timedelta(days=365)),
    ]
    found = secrets.age(rows, Settings(data_dir=tmp_path), NOW)
    assert [one.level for one in found] == [Level.OK, Level.WARNING]


def test_what_a_change_of_keys_left_is_told(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    files = BlockKeyFiles.of(settings)
    assert secrets.leftovers(settings) == []
    old, new = files.begin()
    assert [one.level for one in secrets.leftovers(settings)] == [Level.PROBLEM]
    assert files.begin() == (old, new), "whoever goes on has the same keys"
    files.finish()
    assert [one.level for one in secrets.leftovers(settings)] == [Level.WARNING]
    assert (files.current.read_text().strip(), files.former.read_text().strip()) == (new, old)
