"""The machine: what people, time, workers, Prefect and accidents do to a Mailroom, in any order.

After each step the promises are looked at. At the end everything comes up again and is left to work, with a far side
that takes what it gets; then nothing may be open, missing or out of step.
"""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.integration.promises.environment import Trap
from tests.integration.promises.machine import given
from tests.integration.promises.machine.machine_people import TRAPS, People
from tests.integration.promises.machine.machine_workers import Workers

_LONGEST = timedelta(days=3)


class Machine(People, Workers):
    """The whole state machine: people, workers, time, and Mailroom's own processes."""

    @rule(by=given.SPANS)
    def time_passes(self, by: timedelta) -> None:
        """Let time pass; a negative span means that somebody sets the clock back."""
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

    @rule(up=st.sampled_from([True, True, False]), scheduler_up=st.booleans())
    def prefect_goes_or_comes(self, up: bool, scheduler_up: bool) -> None:
        self.w.up, self.w.scheduler_up = up, scheduler_up

    @rule(part=st.sampled_from(["watch", "run_pass", "repair", "rescue"]), trap=TRAPS)
    def mailroom_works(self, part: str, trap: Trap) -> None:
        if part == "watch":
            self.run(self.w.watch())
            return
        seconds = {"seconds": 60} if part == "repair" else {}
        self.run(self.w.process(lambda reconciler: getattr(reconciler, part)(**seconds), trap))
