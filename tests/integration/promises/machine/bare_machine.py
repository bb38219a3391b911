"""The base of the state machine: one simulated Mailroom, and what must hold after each step and at the end."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from mailroom.errors import Conflict, Invalid, NotFound
from tests.integration.promises import promises
from tests.integration.promises.environment import SimulatedEnvironment, Trap
from tests.integration.promises.machine import given, people
from tests.integration.promises.prefect_model.model_of_prefect import Run
from tests.integration.promises.rest import come_to_rest
from tests.integration.promises.snapshot import Snapshot
from tests.integration.promises.story import Library, business_of

T = TypeVar("T")
SILENT = timedelta(seconds=130)
"""After this, a process is taken for dead."""


def one_of(some: list[T], pick: int) -> T:
    """Return one of the things given, chosen by `pick`."""
    return some[pick % len(some)]


class BareMachine(RuleBasedStateMachine):
    """Runs one simulated Mailroom, and checks the promises after each step."""

    runner: asyncio.Runner
    template: Path
    numbers = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.library = Library()
        self.environment: SimulatedEnvironment | None = None
        self.before: Snapshot | None = None

    @property
    def w(self) -> SimulatedEnvironment:
        assert self.environment
        return self.environment

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    @initialize(start=given.STARTS, bodies=st.lists(given.bodies(given.FREQUENT), min_size=1, max_size=2))
    def open(self, start: datetime, bodies: list[dict[str, Any]]) -> None:
        folder = self.template.parent / f"environment-{next(self.numbers)}"
        self.environment = SimulatedEnvironment(self.template, folder, start, self.patch)
        self.promises_hold()
        for body in bodies:
            self.ask(people.create(self.w, body))

    def ask(self, change: people.Change, trap: Trap | None = None) -> bool:
        """Make one request and settle it; returns whether it was granted. A refused one must leave nothing behind."""
        before = self.w.look()
        try:
            self.run(self.w.changed(change))
        except (Invalid, Conflict, NotFound):
            promises.nothing_but(before, self.w.look())
            return False
        for key, row in self.w.look().schedules.items():
            if row != before.schedules.get(key):
                self.run(self.w.process(lambda reconciler, key=key: reconciler.settle_schedule(key), trap))  # type: ignore[misc]
        return True

    def schedule(self, pick: int) -> str:
        return one_of(list(self.w.snapshot.schedules), pick)

    def next_run(self, pick: int) -> Run | None:
        """Return one of the runs that a worker would take up; where none is due, let time pass until one is."""
        if not self.w.up:
            return None
        if not self.w.server.waiting():
            self.run(self.w.upkeep())
            self.promises_hold()
            self.w.advance(SILENT)
        if not self.w.server.due() and (waiting := self.w.server.waiting()):
            self.w.advance(min(waiting[0].starts_at - self.w.clock.now, timedelta(hours=5)))
        due = self.w.server.due()
        return due[pick % len(due)] if due else None

    # What must hold.

    @invariant()
    def promises_hold(self) -> None:
        if not self.environment:
            return
        now = self.w.look()
        before = self.before or now
        calendar = self.w.reader.rows("SELECT definition FROM calendars")[0][0]
        self.library.tell(now.schedules, business_of(calendar), self.w.clock.now)
        assert not self.w.sink.faults, self.w.sink.faults
        promises.promise_1_one_row_for_what_was_due(now, self.library)
        promises.promise_1_what_ended_stays_with_its_reason(before, now)
        promises.promise_2_a_confirmed_delivery_stays_so(before, now)
        promises.promise_2_success_means_that_all_are_confirmed(now)
        promises.promise_5_versions_go_forward(before, now)
        self.before = now

    def teardown(self) -> None:
        try:
            if self.environment:
                come_to_rest(self.environment, self.library, self.run, self.promises_hold)
        finally:
            if self.environment:
                self.run(self.environment.close())
            self.patch.undo()
