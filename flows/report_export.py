"""This is the flow of every schedule: claim -> gate -> render -> deliver -> settle. It is wiring only.

The work is in `mailroom.passes`.

A run carries the schedule's id and nothing else; it reads the rest when it starts. While a delivery waits for another
try, or the execution for its start or its turn, the run goes back to `AwaitingRetry` and its process ends, so that no
slot is held meanwhile.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import Pause
from prefect.states import Completed

from mailroom.executions.fence import PassLost
from mailroom.executions.reason_words import words
from mailroom.passes.before_fork import prepare
from mailroom.passes.claim import HeldElsewhere, Stopped
from mailroom.passes.lease import lease
from mailroom.passes.mishaps.cosmetic import cosmetic
from mailroom.passes.outcome import Outcome, Tried
from mailroom.passes.run_page import run_name, write_summary
from mailroom.passes.steps.in_prefect import facts_of, give_the_slot_back, state_for, this_run
from mailroom.passes.supersede import stop_flow_run
from mailroom.passes.work import Begun, Rendered, Work, open_work
from mailroom.watching.signs.hosts import HostNotes

HERE = HostNotes()
"""Writes down for others what this process sees of its host, such as its clock."""


@task(name="render", cache_policy=NO_CACHE, persist_result=False)
async def render(work: Work, begun: Begun) -> Rendered | Outcome:
    """Render every format of the execution, or find it rendered."""
    return await work.render(begun)


@task(name="deliver", cache_policy=NO_CACHE, persist_result=False)
async def deliver(work: Work, begun: Begun, made: Rendered) -> Outcome | Tried:
    """Try every delivery that is due once."""
    return await work.deliver(begun, made)


def before_fork() -> None:
    """Prepare what every run needs; the warm worker calls this in the process that its children are forked from."""
    prepare()


async def _work_on(work: Work, begun: Begun) -> Outcome:
    """Make the pass that has begun: stop what it replaces, render, deliver, settle, and show what came of it."""
    execution_id = begun.claimed.execution.id
    async with lease(work.database, execution_id, begun.number) as held:
        with cosmetic("Telling Prefect that the pass begins", execution_id):
            async with get_client() as client:
                for superseded in begun.superseded:
                    await stop_flow_run(client, superseded)
                await client.update_flow_run(UUID(work.run.id), name=run_name(begun.claimed))
        made = await render(work, begun)
        result = made if isinstance(made, Outcome) else await deliver(work, begun, made)
        settled = await work.settle(begun, result)
        held.given_back = settled.recorded
    with cosmetic("The summary in Prefect", execution_id):
        await write_summary(work, begun.claimed, settled, made)
    with cosmetic("What this host sees", execution_id):
        await HERE.note(work.database, work.settings)
    return settled


@flow(name="report-export", persist_result=False)
async def report_export(schedule_id: str, execution_id: str | None = None) -> State[Any]:
    """Render and deliver one execution of a schedule.

    Args:
        schedule_id: the schedule.
        execution_id: the execution that somebody asked for; without it, the run's own due time decides.
    """
    facts = facts_of(this_run())
    async with open_work(facts) as work:
        match await work.begin(schedule_id, execution_id):
            case Begun() as begun:
                try:
                    result = await _work_on(work, begun)
                except PassLost as lost:
                    get_run_logger().warning("%s This process stops.", lost)
                    raise Pause from lost  # Leave the run as it is: it is the successor's.
            case Outcome() as result:
                get_run_logger().info("The execution does not continue now: %s", words(result.reason))
            case HeldElsewhere(reason=reason, until=until):
                await give_the_slot_back(facts.id, words(reason), until)
            case Stopped(reason=reason):
                get_run_logger().info("Nothing to do: %s", words(reason))
                return Completed(name="Skipped", message=words(reason))
    if result.retry_at:
        await give_the_slot_back(facts.id, words(result.reason), result.retry_at)
    return state_for(result)
