"""An emulator for each module, and a front of it for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from prefect_mailroom.channels.gcs.bucket import HOSTS_VARIABLE
from tests.support.gcs import servers
from tests.support.gcs.front import Front, front_of


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    """Return the port of gcp-storage-emulator."""
    with servers.emulator() as port:
        yield port


@pytest.fixture(autouse=True)
def _this_machine_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOSTS_VARIABLE, "127.0.0.1")


@pytest.fixture
def front(upstream: int) -> Iterator[Front]:
    """Return the front of it, with nothing stored behind."""
    servers.empty(upstream)
    with front_of(upstream) as front:
        yield front
