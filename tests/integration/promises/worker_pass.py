"""A worker that takes a run of Prefect through one pass of Mailroom's work, as `flows/report_export.py` does.

A pass can be stopped between any two of its steps: frozen, to go on later as a process does that was asleep, or dead.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

from prefect.client.schemas.objects import State, StateType
from prefect.states import AwaitingRetry, Cancelled, Completed, Crashed, Failed, Running

from mailroom.executions import repository as executions
from mailroom.executions.fence import PassLost
from mailroom.executions.reason_words import words
from mailroom.passes.claim import FlowRunFacts, HeldElsewhere, Stopped
from mailroom.passes.outcome import Outcome, Tried
from mailroom.passes.supersede import stop_flow_run
from mailroom.passes.work import Begun, Rendered, Work
from mailroom.states import ExecutionState

if TYPE_CHECKING:
    from tests.integration.promises.environment import SimulatedEnvironment
    from tests.integration.promises.prefect_model.model_of_prefect import Run


class Step(IntEnum):
    """How far a pass has come."""

    TAKEN = 0
    CLAIMED = 1
    RENDERED = 2
    DELIVERED = 3
    SETTLED = 4
    OVER = 5


class Pass:
    """One pass over a run."""

    def __init__(self, environment: SimulatedEnvironment, run: Run) -> None:
        self.environment, self.run, self.step = environment, run, Step.TAKEN
        run.state = environment.server.state(Running())
        run.run_count += 1
        self._count = run.run_count
        facts = FlowRunFacts(str(run.id), run.expected, run.auto)
        self._work = Work(environment.database, environment.settings, facts)
        self._begun: Begun | None = None
        self._made: Rendered | None = None
        self._result: Outcome | Tried | None = None
        self._state: State[Any] = Completed()

    async def go_on(self, until: Step = Step.OVER) -> None:
        """Make the next steps, up to and with `until`."""
        while self.step < until:
            try:
                await self._next()
            except PassLost:  # The run is its successor's, so that Prefect is told nothing.
                self.step = Step.OVER

    async def _next(self) -> None:
        match self.step:
            case Step.TAKEN:
                await self._begin()
            case Step.CLAIMED:
                assert self._begun
                made = await self._work.render(self._begun)
                self._made, self._result = (None, made) if isinstance(made, Outcome) else (made, None)
                self.step = Step.RENDERED
            case Step.RENDERED:
                assert self._begun
                if self._made:
                    self._result = await self._work.deliver(self._begun, self._made)
                self.step = Step.DELIVERED
            case Step.DELIVERED:
                assert self._begun
                assert self._result
                self._state = _state(await self._work.settle(self._begun, self._result))
                await self._give_lease_back()
                self.step = Step.SETTLED
            case Step.SETTLED:
                self._tell_prefect()

    async def _begin(self) -> None:
        begun = await self._work.begin(self.run.parameters["schedule_id"], self.run.parameters.get("execution_id"))
        self.step = Step.SETTLED
        match begun:
            case HeldElsewhere(until=later):
                self._state = AwaitingRetry(scheduled_time=later)
            case Stopped():
                self._state = Completed(name="Skipped", message=words(begun.reason))
            case Outcome():
                self._state = _state(begun)
            case Begun():
                self._begun, self.step = begun, Step.CLAIMED
                for superseded in begun.superseded:
                    await stop_flow_run(self.environment.client, superseded)

    async def _give_lease_back(self) -> None:
        assert self._begun
        async with self.environment.database.session() as session:
            await executions.set_lease(session, self._begun.claimed.execution.id, self._begun.number, None)

    @property
    def execution_id(self) -> str | None:
        return self._begun.claimed.execution.id if self._begun else None

    @property
    def current(self) -> bool:
        """Return whether Prefect still believes that this process has the run."""
        return self.run.state.type is StateType.RUNNING and self.run.run_count == self._count

    def _tell_prefect(self) -> None:
        if self.current:
            self.run.state = self.environment.server.state(self._state)
        elif self.run.state.type is StateType.CANCELLING:
            self.run.state = self.environment.server.state(Cancelled())
        self.step = Step.OVER

    def die(self, *, seen: bool) -> None:
        """End its process; `seen` says that a worker lives to tell Prefect."""
        if seen and self.current:
            self.run.state = self.environment.server.state(Crashed())
        self.step = Step.OVER


def _state(result: Outcome) -> State[Any]:
    if result.retry_at:
        return AwaitingRetry(scheduled_time=result.retry_at)
    match result.state:
        case ExecutionState.SUCCESS | ExecutionState.SKIPPED:
            return Completed(message=words(result.reason))
        case ExecutionState.CANCELLED:
            return Cancelled(message=words(result.reason))
        case _:
            return Failed(message=words(result.reason))
