"""The machine's people: what they want of Mailroom, and what they do in Prefect behind its back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.integration.promises import promises
from tests.integration.promises.environment import Trap
from tests.integration.promises.machine import given, people
from tests.integration.promises.machine.bare_machine import BareMachine, one_of
from tests.integration.promises.machine.given import PICK
from tests.integration.promises.prefect_model.model_of_prefect import Deployment
from tests.integration.promises.sink import Killed

_MOST_SCHEDULES = 4
_BACK = timedelta(seconds=61)
"""A Prefect that was away is asked again by then."""
_UNHINDERED = st.just(Trap(0, after=False, error=Killed))
TRAPS = st.one_of(
    _UNHINDERED,
    _UNHINDERED,
    st.builds(Trap, st.integers(1, 6), after=st.booleans(), error=st.sampled_from([Killed, httpx.ReadTimeout])),
)


class People(BareMachine):
    """Steps of users, and of people who change things in Prefect's own interface."""

    @precondition(lambda self: len(self.w.snapshot.schedules) < _MOST_SCHEDULES)
    @rule(body=given.bodies(given.timings()), trap=TRAPS)
    def somebody_makes_a_schedule(self, body: dict[str, Any], trap: Trap) -> None:
        self.ask(people.create(self.w, body), trap)

    @precondition(lambda self: self.w.snapshot.schedules)
    @rule(
        pick=PICK,
        want=st.sampled_from([*people.WANTS, "edit", "edit", "resume", "resume", "owner comes", "owner comes"]),
        patch=given.patches(),
        days=st.integers(0, 2),
        trap=TRAPS,
    )
    def somebody_wants(self, pick: int, want: str, patch: dict[str, Any], days: int, trap: Trap) -> None:
        self.ask(people.wish(self.w, self.schedule(pick), want, patch, days), trap)

    @precondition(lambda self: self.w.snapshot.schedules)
    @rule(pick=PICK, patch=given.patches(), then=st.sampled_from(["edit", "pause", "resume"]), again=given.patches())
    def somebody_wants_more_while_prefect_is_told(
        self, pick: int, patch: dict[str, Any], then: str, again: dict[str, Any]
    ) -> None:
        self.w.meanwhile = people.wish(self.w, self.schedule(pick), then, again, 0)
        self.ask(people.edit(self.w, self.schedule(pick), patch))
        self.w.meanwhile = None

    @precondition(lambda self: self.w.snapshot.schedules)
    @rule(pick=PICK, heard=st.booleans(), by=given.SPANS)
    def somebody_pauses_for_a_while(self, pick: int, heard: bool, by: timedelta) -> None:
        """Pause and resume a schedule; Prefect may hear of neither, and has runs of that time."""
        self.w.up, self.w.source_up = heard, True
        self.ask(people.wish(self.w, self.schedule(pick), "pause", {}, 0))
        self.promises_hold()
        self.w.advance(max(by, timedelta(minutes=1)))
        self.ask(people.wish(self.w, self.schedule(pick), "resume", {}, 0))
        self.promises_hold()
        self.w.up = True
        for run in self.w.server.due()[:10]:
            self.run(self.w.work(run, []))
            self.w.look()

    @precondition(lambda self: self.w.snapshot.schedules)
    @rule(pick=PICK, wrong=given.WRONG, body=given.bodies(given.FREQUENT), stale=st.booleans())
    def somebody_is_refused(self, pick: int, wrong: dict[str, Any], body: dict[str, Any], stale: bool) -> None:
        assert not self.ask(people.edit(self.w, self.schedule(pick), {} if stale else wrong, '"0"' if stale else None))
        assert not self.ask(people.create(self.w, {**body, **wrong}))

    def _deployments(self) -> list[Deployment]:
        return list(self.w.server.deployments.values()) if self.w.up else []

    @precondition(lambda self: self._deployments())
    @rule(pick=PICK, act=st.sampled_from(people.HANDS))
    def somebody_has_hands_on_prefect(self, pick: int, act: str) -> None:
        self.run(people.by_hand(self.w, one_of(self._deployments(), pick), act))

    @precondition(lambda self: self._deployments())
    @rule(pick=PICK, act=st.sampled_from(people.DRIFT))
    def hands_on_prefect_are_seen(self, pick: int, act: str) -> None:
        """Check that a change by hand is seen by the next look, where everything was in step before."""
        self.w.advance(_BACK)
        self.run(self.w.upkeep())
        self.promises_hold()
        found = self.w.server.deployments.values()
        ours = [one for one in found if one.name in self.w.snapshot.schedules]
        if ours:
            there = one_of(ours, pick)
            before = self.w.snapshot.schedules[there.name]
            repairs = self.w.audited(there.name, "drift repaired")
            if not self.run(people.by_hand(self.w, there, act)):
                return
            self.run(self.w.process(lambda reconciler: reconciler.repair(seconds=60)))
            after = self.w.look().schedules[there.name]
            if act in ("pause", "switch off"):
                promises.promise_5_a_pause_in_prefect_is_adopted(self.w, before, after)
            else:
                repaired = self.w.audited(there.name, "drift repaired") - repairs
                assert repaired == 1, f"Promise 5: {act} by hand was repaired and audited {repaired} times."
