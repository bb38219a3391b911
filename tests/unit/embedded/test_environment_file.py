"""The settings of several Prefect servers: what the documentation shows is what is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded import environment_file, prefect_settings

VALUES = {
    "PREFECT_DATABASE_URL": "postgresql+asyncpg://db/prefect",
    "PREFECT_ENCRYPTION_KEY": "key",
    "REDIS_HOST": "redis",
    "REDIS_PORT": "6379",
}


def test_it_has_all_that_an_embedded_server_has_and_redis() -> None:
    found = environment_file.read(environment_file.PREFECT_SERVERS, VALUES)
    assert prefect_settings.SERVER.items() <= found.items()
    assert found["PREFECT_SERVER_DOCKET_URL"] == "redis://redis:6379/1"
    assert not [value for value in found.values() if "$" in value]


def test_a_value_that_is_missing_is_told() -> None:
    with pytest.raises(KeyError):
        environment_file.read(environment_file.PREFECT_SERVERS, {})


def test_a_line_that_is_no_variable_is_told(tmp_path: Path) -> None:
    path = tmp_path / "servers.env"
    path.write_text("# a comment\n\nA=1\nnonsense\n")
    with pytest.raises(ValueError, match="4"):
        environment_file.read(path, {})
