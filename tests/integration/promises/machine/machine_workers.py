"""The machine's workers: processes that take up runs, freeze, go on, die, and meet each other."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from prefect.client.schemas.objects import StateType
from prefect.states import AwaitingRetry, Pending

from tests.integration.promises.machine import given, people
from tests.integration.promises.machine.bare_machine import SILENT, BareMachine, one_of
from tests.integration.promises.machine.given import PICK
from tests.integration.promises.prefect_model.model_of_prefect import Run
from tests.integration.promises.sink import Fate
from tests.integration.promises.worker_pass import Step

_FINAL = (StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED)
UNTIL = st.sampled_from([Step.OVER, Step.OVER, Step.OVER, *list(Step)[1:]])


class Workers(BareMachine):
    """Steps of the processes that run flows."""

    @rule(pick=PICK, until=UNTIL, fates=given.FATES, source_up=st.sampled_from([True, True, True, False]))
    def a_run_is_worked_on(self, pick: int, until: Step, fates: list[Fate], source_up: bool) -> None:
        """Let a process work on a run; it freezes after the step `until`, where that is not the last."""
        self.w.source_up = source_up
        if run := self.next_run(pick):
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
        """Stop a schedule while a process works on its run: by a pause, a deletion, or an owner who loses the right."""
        self.w.source_up = True
        if run := self.next_run(pick):
            begun = self.run(self.w.work(run, [], until))
            self.promises_hold()
            self.ask(people.wish(self.w, run.parameters["schedule_id"], what, {}, 0))
            self.promises_hold()
            self.run(self.w.go_on(begun, []))
            for want in ("resume", "owner comes"):
                self.ask(people.wish(self.w, run.parameters["schedule_id"], want, {}, 0))

    @rule(pick=PICK, first=st.sampled_from(list(Step)[1:4]), second=st.sampled_from(list(Step)[1:4]))
    def a_sleeper_meets_its_successor(self, pick: int, first: Step, second: Step) -> None:
        """Let a process sleep until its lease is over and its run was put back; then two work on it at once."""
        self.w.source_up = True
        if run := self.next_run(pick):
            sleeper = self.run(self.w.work(run, [], first))
            self.w.advance(SILENT)
            self.run(self.w.process(lambda reconciler: reconciler.rescue()))
            if run in self.w.server.due():
                successor = self.run(self.w.work(run, [], second))
                self.promises_hold()
                self.run(self.w.side_by_side(sleeper, successor))
            else:
                self.w.frozen.append(sleeper)

    @rule(pick=PICK)
    def a_worker_dies_before_the_flow_begins(self, pick: int) -> None:
        if run := self.next_run(pick):
            run.state = self.w.server.state(Pending())

    @rule(pick=PICK, how=st.sampled_from(["there twice", "worked on twice", "there twice, side by side"]))
    def a_run_is(self, pick: int, how: str) -> None:
        """There twice, as an upsert of the deployment makes it (PrefectHQ/prefect#18894); or with two workers."""
        run = self.next_run(pick)
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
        run: Run = one_of(self._over(), pick)
        run.state = self.w.server.state(AwaitingRetry(scheduled_time=self.w.clock.now))
        self.run(self.w.work(run, []))

    def _over(self) -> list[Run]:
        return [run for run in self.w.server.runs.values() if self.w.up and run.state.type in _FINAL]
