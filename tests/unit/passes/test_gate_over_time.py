"""The gate over time: whatever comes when, each occurrence ends once, and no policy lets more run than it says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailroom.executions.policy import CATCH_UP_MOST, Policy
from mailroom.passes.gate import Closed, Open, Situation, Unfinished, Wait, gate
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState

START = datetime(2026, 11, 23, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class Run:
    """One occurrence: due, first looked at, and then busy for so long."""

    id: str
    due_at: datetime
    look_at: datetime
    lasts: timedelta
    state: str = "new"
    ends_at: datetime | None = None
    ends: int = 0

    def end(self, state: str) -> None:
        self.state = state
        self.ends += 1


@dataclass
class Simulation:
    """A schedule's occurrences, and a clock that jumps from event to event."""

    policy: Policy
    runs: list[Run]
    most_running: int = 0
    most_waiting: int = 0

    def play(self) -> None:
        for _ in range(100_000):
            events = [(run.ends_at, 0, run) for run in self.runs if run.state == "running" and run.ends_at]
            events += [(run.look_at, 1, run) for run in self.runs if run.state in ("new", "waiting")]
            if not events:
                return
            now, kind, run = min(events, key=lambda event: (event[0], event[1], event[2].due_at))
            if kind == 0:
                run.end("done")
            else:
                self.look(run, now)
            running = sum(run.state == "running" for run in self.runs)
            self.most_running = max(self.most_running, running)
            if running:
                self.most_waiting = max(self.most_waiting, sum(run.state == "waiting" for run in self.runs))
        pytest.fail("It never comes to an end.")

    def look(self, run: Run, now: datetime) -> None:
        others = [o for o in self.runs if o is not run and o.state in ("running", "waiting")]
        due = sorted(o.due_at for o in self.runs if run.due_at < o.due_at <= now)
        found = gate(
            Situation(
                kind=ExecutionKind.SCHEDULED,
                schedule_state=ScheduleState.ACTIVE,
                owner_active=True,
                due_at=run.due_at,
                starts_at=run.due_at,
                now=now,
                policy=self.policy,
                newer=due[: CATCH_UP_MOST + 1],
                others=[Unfinished(o.id, o.due_at, waits=o.state == "waiting") for o in others],
                waited=run.state == "waiting",
            )
        )
        match found:
            case Closed(state=state):
                run.end(str(state))
            case Wait(until=until, behind=behind):
                assert until > now, "it would look again at once, for ever"
                assert behind in {o.id for o in others}
                run.state, run.look_at = "waiting", until
            case Open(cancels=cancels):
                for other in others:
                    if other.id in cancels:
                        other.end("cancelled")
                run.state, run.ends_at = "running", now + run.lasts


OFFSETS = st.tuples(st.integers(0, 600), st.integers(0, 300), st.integers(1, 500))


@st.composite
def simulations(draw: st.DrawFn) -> Simulation:
    overlap = draw(st.sampled_from(["skip", "buffer_one", "allow", "cancel_other"]))
    catchup = draw(st.sampled_from(["none", "latest"] + ["all"] * (overlap != "cancel_other")))
    policy = Policy(overlap=overlap, catchup=catchup, expires_after=draw(st.integers(5, 400)) * MINUTE)
    drawn = draw(st.lists(OFFSETS, min_size=1, max_size=30, unique_by=lambda offset: offset[0]))
    runs = []
    for number, (due, late, lasts) in enumerate(drawn):
        due_at = START + due * MINUTE
        runs.append(Run(f"e-{number}", due_at, due_at + late * MINUTE, lasts * MINUTE))
    return Simulation(policy, runs)


@settings(max_examples=300, deadline=None)
@given(simulations())
def test_each_ends_exactly_once_and_no_more_run_than_the_policy_lets(simulation: Simulation) -> None:
    simulation.play()
    ended = {"done", str(ExecutionState.SKIPPED), str(ExecutionState.MISSED)}
    for run in simulation.runs:
        assert run.ends == 1
        assert run.state in (ended | {"cancelled"} if simulation.policy.overlap == "cancel_other" else ended)
    if simulation.policy.overlap != "allow":
        assert simulation.most_running <= 1
    if simulation.policy.overlap in ("allow", "cancel_other"):
        assert simulation.most_waiting == 0
    if simulation.policy.catchup != "all":
        assert simulation.most_waiting <= (1 if simulation.policy.overlap == "buffer_one" else 0)
    assert any(run.state == "done" for run in simulation.runs) or all(run.state == "missed" for run in simulation.runs)
