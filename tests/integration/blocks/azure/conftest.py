"""Azurite, started once for a module: one that speaks HTTP, and one that speaks TLS and takes bearer tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from prefect_mailroom.channels.azure.channel import AzureChannel
from tests.integration.blocks.azure.far_side import AzureFarSide, channel_to
from tests.support.azure.azurite import Azurite, azurite


@pytest.fixture(scope="module")
def plain_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    with azurite(tmp_path_factory.mktemp("azurite")) as server:
        yield server


@pytest.fixture
def server(plain_server: Azurite) -> Iterator[Azurite]:
    """Return the one that speaks HTTP, whose container is empty again afterwards."""
    yield plain_server
    plain_server.empty()


@pytest.fixture(scope="module")
def encrypted_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    with azurite(tmp_path_factory.mktemp("azurite-tls"), encrypted=True) as server:
        yield server


@pytest.fixture
def channel(server: Azurite) -> AzureChannel:
    return channel_to(server)


@pytest.fixture
def far_side(server: Azurite, tmp_path: Path, closed_port: int, silent_port: int) -> AzureFarSide:
    return AzureFarSide(server, tmp_path, closed_port, silent_port)
