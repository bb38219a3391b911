"""The clock of a simulated environment, and the modules that are made to read it instead of the machine's."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest

import deployments.reconcile
import mailroom.storage.database
from mailroom.storage.hosts.clock import DatabaseClock

_READ_SECONDS = (deployments.reconcile,)


class Clock:
    """A clock that stands still until it is moved. It gives ids too, so that nothing is left to chance."""

    def __init__(self, start: datetime) -> None:
        self.now = start
        self.passed = timedelta()
        """All the time that went by; a step of the clock is none."""
        self._ids = random.Random(0)

    def advance(self, by: timedelta) -> None:
        self.now += by
        self.passed += by

    def step_back(self, by: timedelta) -> None:
        """Set the clock back, as an operator or a time server does."""
        self.now -= by

    def monotonic(self) -> float:
        return self.passed.total_seconds()

    def new_id(self) -> UUID:
        return UUID(int=self._ids.getrandbits(128), version=4)

    def rule(self, patch: pytest.MonkeyPatch) -> None:
        """Have production code read this clock."""

        clock = self
        patch.setattr(DatabaseClock, "now", lambda _: clock.now)
        for module in _READ_SECONDS:
            patch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))
        patch.setattr(mailroom.storage.database, "uuid", SimpleNamespace(uuid4=clock.new_id))
