"""Render a report folder and deliver it through one of Mailroom's blocks, without Mailroom's API. Wiring only.

For engineers who keep their reports and times as code and deploy with `prefect deploy`; docs/prefect-deploy.md says
how. The work is in `mailroom.passes.direct`.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.states import Failed

from mailroom.executions.reason_words import words
from mailroom.passes.direct.order import order
from mailroom.passes.direct.page import description
from mailroom.passes.direct.work import DirectWork, open_direct, settings_of
from mailroom.passes.outcome import Outcome
from mailroom.passes.steps.in_prefect import facts_of, give_the_slot_back, state_for, this_run
from mailroom.rendering.job import RenderResult
from mailroom.reports.spec import Format
from prefect_mailroom.errors import MailroomError


@task(name="render", cache_policy=NO_CACHE, persist_result=False)
async def render(work: DirectWork, stack: AsyncExitStack) -> RenderResult:
    """Render every format; the files are there until the stack is closed."""
    return await stack.enter_async_context(work.rendered())


@task(name="deliver", cache_policy=NO_CACHE, persist_result=False)
async def deliver(work: DirectWork, result: RenderResult) -> tuple[Outcome, str]:
    """Try every delivery that is due once."""
    return await work.deliver(result)


async def _work_on(work: DirectWork) -> Outcome:
    """Render, deliver, and show what came of it."""
    files, note = None, ""
    async with AsyncExitStack() as stack:
        try:
            files = await render(work, stack)
            outcome, note = await deliver(work, files)
        except MailroomError as error:
            outcome = await work.render_failed(error)
    work.record.ended = outcome.retry_at is None
    await work.record.save(description=description(work.order, outcome, files, note))
    if note:
        get_run_logger().warning(note)
    return outcome


@flow(name="deliver-report", persist_result=False)
async def deliver_report(
    report: str,
    destination: dict[str, Any],
    parameters: dict[str, Any] | None = None,
    formats: list[Format] | None = None,
    timezone: str = "UTC",
) -> State[Any]:
    """Render a report folder and deliver its files to one destination.

    Args:
        report: The path of the report's folder, below the folder that the deployment pulls.
        destination: The channel, the name of its Prefect block as `connection`, and the channel's own settings. It
            holds no secret.
        parameters: The report's parameters; its defaults fill in the rest. Relative dates count from the due time.
        formats: The files to make; by default every format of the report.
        timezone: The IANA time zone of dates and times.
    """
    run = this_run()
    facts = facts_of(run)
    async with get_client() as client:
        try:
            settings = settings_of(client)
            read = partial(order, timezone=timezone, due_at=facts.due_at, root=Path.cwd())
            asked = await asyncio.to_thread(read, report, destination, parameters or {}, formats or [])
            work = await open_direct(
                client, settings, facts, asked, deployment_id=str(run.deployment_id or run.flow_id)
            )
        except MailroomError as error:
            return Failed(message=str(error))
        outcome = await _work_on(work)
    if outcome.retry_at:
        await give_the_slot_back(facts.id, words(outcome.reason), outcome.retry_at)
    return state_for(outcome)
