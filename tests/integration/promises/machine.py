"""The machine: what people, time, workers, Prefect and accidents do to a Mailroom, in any order.

After each step the promises are looked at. At the end everything comes up again and is left to work, with a far side
that takes what it gets; then nothing may be open, missing or out of step.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from prefect.client.schemas.objects import StateType
from prefect.states import AwaitingRetry, Pending

from reports.errors import Conflict, Invalid, NotFound
from tests.integration.promises import given, people, promises
from tests.integration.promises.given import PICK
from tests.integration.promises.model_of_prefect import Deployment, Run
from tests.integration.promises.passes import Step
from tests.integration.promises.rest import come_to_rest
from tests.integration.promises.sink import Fate, Killed
from tests.integration.promises.snapshot import Snapshot
from tests.integration.promises.story import Library, business_of
from tests.integration.promises.world import Trap, World

T = TypeVar("T")
_MOST_SCHEDULES = 4
_LONGEST = timedelta(days=3)
_SILENT = timedelta(seconds=130)
"""After this, a process is taken for dead."""
_FINAL = (StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED)
_UNHINDERED = st.just(Trap(0, after=False, error=Killed))
UNTIL = st.sampled_from([Step.OVER, Step.OVER, Step.OVER, *list(Step)[1:]])
TRAPS = st.one_of(
    _UNHINDERED,
    _UNHINDERED,
    st.builds(Trap, st.integers(1, 6), after=st.booleans(), error=st.sampled_from([Killed, httpx.ReadTimeout])),
)


class Machine(RuleBasedStateMachine):
    """One Mailroom."""

    runner: asyncio.Runner
    template: Path
    numbers = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.library = Library()
        self.world: World | None = None
        self.before: Snapshot | None = None

    @property
    def w(self) -> World:
        assert self.world
        return self.world

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    @initialize(start=given.STARTS, bodies=st.lists(given.bodies(given.FREQUENT), min_size=1, max_size=2))
    def open(self, start: datetime, bodies: list[dict[str, Any]]) -> None:
        folder = self.template.parent / f"world-{next(self.numbers)}"
        self.world = World(self.template, folder, start, self.patch)
        self.promises_hold()
        for body in bodies:
            self._ask(people.create(self.w, body))

    # What people ask of Mailroom.

    def _ask(self, change: people.Change, trap: Trap | None = None) -> bool:
        """One request, and the hurry after it; returns whether it was granted. A refused one leaves nothing behind."""
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

    def _schedule(self, pick: int) -> str:
        return _one(list(self.w.snapshot.schedules), pick)

    @precondition(lambda self: len(self.w.snapshot.schedules) < _MOST_SCHEDULES)
    @rule(body=given.bodies(given.timings()), trap=TRAPS)
    def somebody_makes_a_schedule(self, body: dict[str, Any], trap: Trap) -> None:
        self._ask(people.create(self.w, body), trap)

    @precondition(lambda self: self.w.snapshot.schedules)
    @rule(
        pick=PICK,
        want=st.sampled_from([*people.WANTS, "edit", "edit", "resume", "resume", "owner comes", "owner comes"]),
        patch=given.patches(),
        days=st.integers(0, 2),
        trap=TRAPS,
    )
    def somebody_wants(self, pick: int, want: str, patch: dict[str, Any], days: int, trap: Trap) -> None:
        self._ask(people.wish(self.w, self._schedule(pick), want, patch, days), trap)

    @precondition(lambda self: self.w.snapshot.schedules)
    @rule(pick=PICK, heard=st.booleans(), by=given.SPANS)
    def somebody_pauses_for_a_while(self, pick: int, heard: bool, by: timedelta) -> None:
        """And Prefect may hear of neither the pause nor the resume."""
        self.w.up = heard
        for want in ("pause", "resume"):
            self._ask(people.wish(self.w, self._schedule(pick), want, {}, 0))
            self.promises_hold()
            self.w.advance(max(by, timedelta()) if want == "pause" else timedelta())
        self.w.up = True

    @precondition(lambda self: self.w.snapshot.schedules)
    @rule(pick=PICK, wrong=given.WRONG, body=given.bodies(given.FREQUENT), stale=st.booleans())
    def somebody_is_refused(self, pick: int, wrong: dict[str, Any], body: dict[str, Any], stale: bool) -> None:
        assert not self._ask(
            people.edit(self.w, self._schedule(pick), {} if stale else wrong, '"0"' if stale else None)
        )
        assert not self._ask(people.create(self.w, {**body, **wrong}))

    # Time, and everybody doing what they should.

    @rule(by=given.SPANS)
    def time_passes(self, by: timedelta) -> None:
        """Less than none: somebody sets the clock back."""
        if by < timedelta():
            self.w.clock.step_back(-by)
        else:
            # A schedule that ran for weeks only takes longer to look at.
            self.w.advance(by if self.w.clock.passed < _LONGEST else min(by, timedelta(hours=1)))

    @rule(by=given.SHORT)
    def a_good_while(self, by: timedelta) -> None:
        self.w.up = self.w.scheduler_up = self.w.source_up = True
        self.w.advance(by)
        self.run(self.w.upkeep())
        self.promises_hold()
        for run in self.w.server.due()[:10]:
            self.run(self.w.work(run, []))
            self.w.look()

    # Workers.

    def _next(self, pick: int) -> Run | None:
        """One of the runs that a worker would take up; where none is due, time passes until one is."""
        if not self.w.up:
            return None
        if not self.w.server.waiting():
            self.run(self.w.upkeep())
            self.promises_hold()
            self.w.advance(_SILENT)
        if not self.w.server.due() and (waiting := self.w.server.waiting()):
            self.w.advance(min(waiting[0].starts_at - self.w.clock.now, timedelta(hours=5)))
        due = self.w.server.due()
        return due[pick % len(due)] if due else None

    @rule(pick=PICK, until=UNTIL, fates=given.FATES, source_up=st.sampled_from([True, True, True, False]))
    def a_run_is_worked_on(self, pick: int, until: Step, fates: list[Fate], source_up: bool) -> None:
        """By a process that freezes after the step `until`, where that is not the last."""
        self.w.source_up = source_up
        if run := self._next(pick):
            begun = self.run(self.w.work(run, fates, until))
            if begun.step is not Step.OVER:
                self.w.frozen.append(begun)

    @precondition(lambda self: self.w.frozen)
    @rule(pick=PICK, fates=given.FATES, end=st.sampled_from(["goes on", "goes on", "dies", "is seen to die"]))
    def a_frozen_process(self, pick: int, fates: list[Fate], end: str) -> None:
        begun = self.w.frozen.pop(pick % len(self.w.frozen))
        if end == "goes on":
            self.run(self.w.go_on(begun, fates))
        else:
            self.w.died(begun, seen=end == "is seen to die" and self.w.up)

    @rule(pick=PICK, until=st.sampled_from([Step.CLAIMED, Step.RENDERED]), what=st.sampled_from(people.STOPS))
    def somebody_stops_it_meanwhile(self, pick: int, until: Step, what: str) -> None:
        """While a process works on a run of a schedule, that is paused or deleted, or its owner loses the right."""
        self.w.source_up = True
        if run := self._next(pick):
            begun = self.run(self.w.work(run, [], until))
            self.promises_hold()
            self._ask(people.wish(self.w, run.parameters["schedule_id"], what, {}, 0))
            self.promises_hold()
            self.run(self.w.go_on(begun, []))
            for want in ("resume", "owner comes"):
                self._ask(people.wish(self.w, run.parameters["schedule_id"], want, {}, 0))

    @rule(pick=PICK, first=st.sampled_from(list(Step)[1:4]), second=st.sampled_from(list(Step)[1:4]))
    def a_sleeper_meets_its_successor(self, pick: int, first: Step, second: Step) -> None:
        """A process sleeps until its lease is over and the run was put back; then two work on it, side by side."""
        self.w.source_up = True
        if run := self._next(pick):
            sleeper = self.run(self.w.work(run, [], first))
            self.w.advance(_SILENT)
            self.run(self.w.process(lambda reconciler: reconciler.rescue()))
            if run in self.w.server.due():
                successor = self.run(self.w.work(run, [], second))
                self.promises_hold()
                self.run(self.w.side_by_side(sleeper, successor))
            else:
                self.w.frozen.append(sleeper)

    @rule(pick=PICK)
    def a_worker_dies_before_the_flow_begins(self, pick: int) -> None:
        if run := self._next(pick):
            run.state = self.w.server.state(Pending())

    @rule(pick=PICK, how=st.sampled_from(["there twice", "worked on twice", "there twice, side by side"]))
    def a_run_is(self, pick: int, how: str) -> None:
        """There twice, as an upsert of the deployment makes it (PrefectHQ/prefect#18894); or with two workers."""
        run = self._next(pick)
        if run is None:
            return
        self.w.source_up = True
        twin = run if how == "worked on twice" else self.w.server.copy(run)
        if how == "there twice":
            self.run(self.w.work(twin, []))
        else:
            self.run(self.w.both(run, twin))

    @precondition(lambda self: self._over())
    @rule(pick=PICK)
    def retry_is_pressed(self, pick: int) -> None:
        run: Run = _one(self._over(), pick)
        run.state = self.w.server.state(AwaitingRetry(scheduled_time=self.w.clock.now))
        self.run(self.w.work(run, []))

    def _over(self) -> list[Run]:
        return [run for run in self.w.server.runs.values() if self.w.up and run.state.type in _FINAL]

    # Prefect, and who has hands on it.

    @rule(up=st.sampled_from([True, True, False]), scheduler_up=st.booleans())
    def prefect_goes_or_comes(self, up: bool, scheduler_up: bool) -> None:
        self.w.up, self.w.scheduler_up = up, scheduler_up

    def _deployments(self) -> list[Deployment]:
        return list(self.w.server.deployments.values()) if self.w.up else []

    @precondition(lambda self: self._deployments())
    @rule(pick=PICK, act=st.sampled_from(people.HANDS))
    def somebody_has_hands_on_prefect(self, pick: int, act: str) -> None:
        self.run(people.by_hand(self.w, _one(self._deployments(), pick), act))

    # Mailroom's own processes.

    @rule(part=st.sampled_from(["watch", "run_pass", "repair", "rescue"]), trap=TRAPS)
    def mailroom_works(self, part: str, trap: Trap) -> None:
        if part == "watch":
            self.run(self.w.watch())
            return
        seconds = {"seconds": 60} if part == "repair" else {}
        self.run(self.w.process(lambda reconciler: getattr(reconciler, part)(**seconds), trap))

    # What must hold.

    @invariant()
    def promises_hold(self) -> None:
        if not self.world:
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
            if self.world:
                come_to_rest(self.world, self.library, self.run, self.promises_hold)
        finally:
            if self.world:
                self.run(self.world.close())
            self.patch.undo()


def _one(some: list[T], pick: int) -> T:
    return some[pick % len(some)]
