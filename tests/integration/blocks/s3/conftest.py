"""Servers of S3, each started once, with a bucket that is empty after each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from prefect_mailroom.channels.s3.channel import S3Channel
from tests.integration.blocks.s3.far_side import S3FarSide, channel_to
from tests.support.s3.servers import S3Server, moto, rclone


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="session")
def rclone_running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with rclone(tmp_path_factory.mktemp("rclone")) as server:
        yield server


@pytest.fixture
def rclone_server(rclone_running: S3Server) -> Iterator[S3Server]:
    """Return the S3 of rclone, whose bucket is empty again afterwards."""
    yield rclone_running
    rclone_running.empty()


@pytest.fixture
def server(moto_server: S3Server) -> Iterator[S3Server]:
    """Return moto, whose bucket is empty again afterwards."""
    yield moto_server
    moto_server.empty()


@pytest.fixture
def channel(server: S3Server) -> S3Channel:
    return channel_to(server)


@pytest.fixture
def far_side(server: S3Server, tmp_path: Path, closed_port: int, silent_port: int) -> S3FarSide:
    return S3FarSide(server, tmp_path, closed_port, silent_port)
