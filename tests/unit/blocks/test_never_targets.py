"""Reading what is never a target: entries, URLs, and Prefect's settings."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.never_targets import (
    CLOSED_VARIABLE,
    OWN_VARIABLE,
    Endpoint,
    entries_of,
    file_entry,
    never_targets,
    passed_on,
)


@pytest.fixture(autouse=True)
def _nothing_else_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (OWN_VARIABLE, CLOSED_VARIABLE, "PREFECT_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delitem(sys.modules, "prefect.settings", raising=False)


@pytest.mark.parametrize(
    ("url", "entries"),
    [
        ("https://prefect.corp/api", ["prefect.corp:443"]),
        ("http://[::1]:4200/api", ["[::1]:4200"]),
        ("redis://:canary@cache/0", ["cache:6379"]),
        ("rediss://u:canary@cache:7000", ["cache:7000"]),
        ("postgresql+asyncpg://u:canary/#?@db/ledger?ssl=require", ["postgresql://db:5432/ledger"]),
        ("postgres://u:canary@db:6000/ledger", ["postgresql://db:6000/ledger"]),
        ("postgresql://u:canary@/ledger?host=a:1&host=b:2", ["postgresql://a:1/ledger", "postgresql://b:2/ledger"]),
        ("postgresql:///led ger?host=a,b&port=1,2", ["postgresql://a:1/led%20ger", "postgresql://b:2/led%20ger"]),
        ("postgresql:///ledger?host=/run/postgresql&port=5433", ["postgresql://127.0.0.1:5433/ledger"]),
        ("postgresql://only-user@db", ["postgresql://db:5432/only-user"]),
        ("postgresql://u:canary@[fd00::1]/ledger", ["postgresql://[fd00::1]:5432/ledger"]),
        ("mysql+pymysql://u:canary@db/ledger", ["mysql://db:3306/ledger"]),
        ("sqlite+aiosqlite:////srv/my data.db", ["sqlite:////srv/my%20data.db"]),
        ("sqlite:///:memory:", []),
        ("", []),
        ("memory://", []),
    ],
)
def test_a_url_becomes_entries_without_its_credentials(url: str, entries: list[str]) -> None:
    assert entries_of(url) == entries
    assert "canary" not in str(entries)


def test_entries_are_read_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "my data, 100%.db"
    urls = ["https://prefect.corp", "postgresql://u:p@[fd00::1]/my db", "mysql://h/x"]
    monkeypatch.setenv(
        OWN_VARIABLE, " ".join([file_entry(file), *(entry for url in urls for entry in entries_of(url))])
    )
    monkeypatch.setenv(CLOSED_VARIABLE, "10.0.9.0/24, fd00::2 redis://:secret@cache/1")
    found = never_targets()
    assert found.endpoints == (
        Endpoint("prefect.corp", 443),
        Endpoint("fd00::1", 5432, "my db"),
        Endpoint("h", 3306, "x"),
        Endpoint("cache", 6379),
    )
    assert file in found.files
    assert [str(network) for network in found.networks] == ["10.0.9.0/24", "fd00::2/128"]


def test_a_database_server_is_closed_to_all_but_clients_of_other_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OWN_VARIABLE, "postgresql://db:5432/ledger prefect:5432")
    found = never_targets()
    assert [endpoint.host for endpoint in found.on(5432, None)] == ["db", "prefect"]
    assert [endpoint.host for endpoint in found.on(5432, "ledger")] == ["db", "prefect"]
    assert [endpoint.host for endpoint in found.on(5432, "crm")] == ["prefect"]
    assert found.on(5433, None) == []


@pytest.mark.parametrize("entry", ["10.0.9.1/24", "db", "http://[::1", "postgresql://h:port/canary", "*:80"])
def test_a_wrong_entry_is_an_error_of_the_set_up(entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CLOSED_VARIABLE, entry)
    with pytest.raises(ConfigurationError) as caught:
        never_targets()
    assert caught.value.field == CLOSED_VARIABLE


def test_prefects_variables_count_and_its_default_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect:4200/api")
    monkeypatch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", "postgresql+asyncpg://u:canary@db/prefect")
    monkeypatch.setenv("PREFECT_REDIS_MESSAGING_HOST", "cache")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    found = never_targets()
    assert {Endpoint("prefect", 4200), Endpoint("db", 5432, "prefect"), Endpoint("cache", 6379)} <= set(found.endpoints)
    assert tmp_path / "prefect.db" in found.files
    assert "canary" not in str(passed_on())
    told = passed_on()
    for name in ("PREFECT_API_URL", "PREFECT_API_DATABASE_CONNECTION_URL", "PREFECT_REDIS_MESSAGING_HOST"):
        monkeypatch.delenv(name)
    monkeypatch.setenv(OWN_VARIABLE, told[OWN_VARIABLE])
    assert set(never_targets().endpoints) == set(found.endpoints)
