"""Fixtures for the command line's tests."""

from __future__ import annotations

import pytest

from embedded.ports import free_port


@pytest.fixture
def unused_port() -> int:
    """A port that nobody listens on."""
    return free_port("127.0.0.1")
