"""What our settings close to every channel and source."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import Field

from embedded import services, system
from mailroom.own_endpoints import close, own_endpoints
from mailroom.settings import Settings
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.never_targets import OWN_VARIABLE, Endpoint, never_targets

CANARY = "canary-password"


def closed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> set[Endpoint]:
    """Return the servers that a process with these settings closes."""
    monkeypatch.setenv(OWN_VARIABLE, "")
    close(settings)
    return set(never_targets().endpoints)


def test_production_closes_its_api_prefect_and_the_databases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        mode="production",
        data_dir=tmp_path,
        api_key="k" * 32,
        database_url=f"postgresql://m:{CANARY}@db.corp/mailroom",
        prefect_api_url="https://prefect.corp/api",
        prefect_database_url=f"postgresql+asyncpg://p:{CANARY}@db2.corp:6000/prefect",
        public_address="https://reports.corp/",
    )
    assert {
        Endpoint("db.corp", 5432, "mailroom"),
        Endpoint("db2.corp", 6000, "prefect"),
        Endpoint("prefect.corp", 443),
        Endpoint("reports.corp", 443),
        Endpoint("127.0.0.1", settings.api_port),
    } <= closed(settings, monkeypatch)
    assert CANARY not in os.environ[OWN_VARIABLE]


def test_embedded_leaves_the_mail_catchers_port_for_mail_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path)
    found = closed(settings, monkeypatch)
    ports = {endpoint.port for endpoint in found if endpoint.host == "127.0.0.1"}
    assert {settings.api_port, settings.prefect_port, settings.mail_web_port} <= ports
    assert settings.mail_smtp_port not in ports
    assert {tmp_path / "mailroom.db", tmp_path / "prefect" / "prefect.db"} <= set(never_targets().files)


def test_every_url_among_the_settings_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Later(Settings):
        redis_url: str = Field(default="")

    found = closed(Later(data_dir=tmp_path, redis_url=f"redis://:{CANARY}@cache.corp/0"), monkeypatch)
    assert Endpoint("cache.corp", 6379) in found


def test_a_url_that_cannot_be_read_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        own_endpoints(Settings(data_dir=tmp_path, prefect_database_url=f"postgresql://p:{CANARY}@db:port/x"))
    assert caught.value.field == "MAILROOM_PREFECT_DATABASE_URL"
    assert CANARY not in str(caught.value)


def test_mailroom_up_tells_every_process(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    environment = system.environment(settings, "mark")
    assert environment[OWN_VARIABLE] == " ".join(own_endpoints(settings))
    for make in (services.worker, services.renderers):
        assert make(settings, environment).environment[OWN_VARIABLE] == environment[OWN_VARIABLE]
