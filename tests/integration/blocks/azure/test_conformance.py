"""The conformance suite and its hard cases, against Azurite; what arrived is read back by rclone."""

from __future__ import annotations

from prefect_mailroom.testing import ChannelConformance, HardCases


class TestAzurite(HardCases, ChannelConformance):
    """Its far side is the fixture's."""
