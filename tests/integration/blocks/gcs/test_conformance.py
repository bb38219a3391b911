"""The conformance suite and its hard cases, against two stores: an emulator in Python, and one in Go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from prefect_mailroom.testing import ChannelConformance, HardCases
from tests.integration.blocks.gcs.far_side import GcsFarSide
from tests.support.gcs import servers
from tests.support.gcs.front import Front


class TestEmulator(HardCases, ChannelConformance):
    @pytest.fixture
    def far_side(self, front: Front, upstream: int, closed_port: int, silent_port: int) -> GcsFarSide:
        return GcsFarSide(front, upstream, closed_port, silent_port)


class TestFakeGcsServer(ChannelConformance):
    """The store that enforces the preconditions of small uploads by itself; the front asks for tokens alone."""

    @pytest.fixture(scope="class")
    def upstream(self) -> Iterator[int]:
        with servers.fake_gcs_server() as port:
            yield port

    @pytest.fixture
    def far_side(self, front: Front, upstream: int, closed_port: int, silent_port: int) -> GcsFarSide:
        return GcsFarSide(front, upstream, closed_port, silent_port)
