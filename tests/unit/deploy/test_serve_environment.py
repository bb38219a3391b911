"""What the processes of a production system inherit, and what they refuse to start with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cli.commands.serve import environment
from cli.commands.serve.alive import silent
from embedded.data_dir import fresh_block_key
from mailroom.settings import Settings
from prefect_mailroom.errors import ConfigurationError

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"


def of_prefect(given: dict[str, str], files: dict[str, str] | None = None) -> dict[str, str]:
    whole = {DATABASE: "postgresql://prefect@db/prefect", environment.KEY: fresh_block_key(), **given}
    return environment.of_prefect(7, whole, (files or {}).get)


def test_prefect_gets_the_driver_and_what_the_operator_set_stays() -> None:
    made = of_prefect({"PREFECT_SERVER_UI_ENABLED": "false"})
    assert made[DATABASE] == "postgresql+asyncpg://prefect@db/prefect"
    assert made["PREFECT_SERVER_UI_ENABLED"] == "false"
    assert made["PREFECT_SERVER_DATABASE_MIGRATE_ON_START"] == "false"
    assert made["PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD"] == str(7 * 86_400)
    assert "PREFECT_SERVER_DOCKET_URL" not in made


def test_one_redis_is_used_for_all_that_several_servers_share() -> None:
    name, url = "PREFECT_REDIS_MESSAGING_URL", "redis://:x@cache:6379/0"
    made = of_prefect({f"{name}_FILE": "/run/secrets/redis-url"}, {name: url})
    named = {key for key, value in made.items() if value == url}
    assert named == {name, "PREFECT_SERVER_DOCKET_URL", "PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL"}
    assert made["PREFECT_SERVER_EVENTS_MESSAGING_BROKER"] == "prefect_redis.messaging"
    assert f"{name}_FILE" not in made


def test_prefects_database_stays_unset_where_it_is() -> None:
    assert of_prefect({DATABASE: ""})[DATABASE] == ""


def test_one_process_alone_is_for_production() -> None:
    with pytest.raises(ConfigurationError) as refused:
        environment.check_mode(Settings(), "api")
    assert refused.value.field == "MAILROOM_MODE"


def test_a_worker_reaches_the_prefect_of_the_settings() -> None:
    settings = Settings.model_validate({"prefect_api_url": "http://prefect:4200/api"})
    made = environment.of_worker(settings, {"PREFECT_API_URL": "http://elsewhere/api", "MALLOC_ARENA_MAX": "4"})
    assert made["PREFECT_API_URL"] == "http://prefect:4200/api"
    assert made["PREFECT_SERVER_EPHEMERAL_ENABLED"] == "false"
    assert made["MALLOC_ARENA_MAX"] == "4"


def test_a_worker_is_alive_while_prefect_hears_of_it() -> None:
    def heard(seconds: float) -> list[dict[str, str]]:
        return [{"name": "one", "last_heartbeat_time": (NOW - timedelta(seconds=seconds)).isoformat()}]

    assert silent(heard(10), "one", NOW) == ""
    assert silent(heard(60), "one", NOW)
    assert silent(heard(10), "two", NOW)


def test_prefects_pages_lie_beside_its_data() -> None:
    found = environment.of_pages(4201, {"PREFECT_HOME": "/var/lib/mailroom-prefect"})
    assert found == {"PREFECT_SERVER_UI_STATIC_DIRECTORY": "/var/lib/mailroom-prefect/ui-4201"}
    assert environment.of_pages(4201, {}) == {}
