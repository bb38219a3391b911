"""The conformance suite and its hard cases, against two servers: moto, and rclone's in Go over TLS."""

from __future__ import annotations

from pathlib import Path

import pytest

from prefect_mailroom.testing import ChannelConformance, HardCases
from tests.integration.blocks.s3.far_side import S3FarSide
from tests.support.s3.servers import S3Server


class TestMoto(HardCases, ChannelConformance):
    """A server that checks signatures and permissions, and writes objects once. Its far side is the fixture's."""


class TestRclone(HardCases, ChannelConformance):
    """A server that is not written in Python, and knows no preconditions."""

    @pytest.fixture
    def far_side(self, rclone_server: S3Server, tmp_path: Path, closed_port: int, silent_port: int) -> S3FarSide:
        return S3FarSide(rclone_server, tmp_path, closed_port, silent_port)
