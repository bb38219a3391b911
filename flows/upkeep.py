"""Every minute, compare what was due with the ledger, hand over what waits, put back what died, remove what is old,
look for incidents, and tell people of them.

The API process does the same in its background. This run does it while no API process lives, on any worker of the pool,
and shows operators what it found. Wiring only.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.states import Completed

from deployments.heartbeats import note_upkeep
from deployments.reconcile import Reconciler
from mailroom.alerts import service as alerts
from mailroom.incidents import watch
from mailroom.rendering import cleaner
from mailroom.schedules import watchdog
from mailroom.settings import current
from mailroom.stops import restored
from mailroom.storage.database import Database
from mailroom.storage.migrations import saying_where_missing
from mailroom.telling.readers import service as readers
from mailroom.watching.counts import refresh as counts

STALE = timedelta(minutes=2)


@flow(name="upkeep", persist_result=False)
async def upkeep() -> State[Any]:
    """Look at everything once; the run's state says what was found."""
    context = FlowRunContext.get()
    expected = context.flow_run.expected_start_time if context and context.flow_run else None
    settings = current()
    database = Database(settings.database)
    await database.agree_on_time()
    now = database.now()
    if expected and now - expected > STALE:
        # After an outage there are many; the latest one does the work of all.
        await database.close()
        return Completed(name="Skipped", message="This run began late, and a later run does the same work.")
    reconciler = Reconciler(database, settings)
    try:
        async with saying_where_missing(database):
            await note_upkeep(database, settings, clock=database.now)
        findings = await watchdog.look(database, now=now)
        handed_over = await reconciler.run_pass()
        await restored.look(database, settings.witness_path, now=now)
        woken = await reconciler.wake()
        rescued = await reconciler.rescue()
        told_readers = await readers.look(database, settings, clock=database.now)
        cleaned = await cleaner.clean(database, settings, now=now)
        await counts.refresh(database, now=now, not_within=counts.JUST_NOW)
        incidents = await watch.look(database, settings, now=database.now())
        alerts_sent = await alerts.step(database, settings, clock=database.now)
    finally:
        await reconciler.close()
        await database.close()
    told = (
        f"{findings}; {handed_over} changes and requests processed, {woken} runs go on after a stop, "
        f"{rescued} runs recovered; {cleaned}; {incidents}; {alerts_sent} alerts looked at; {told_readers}."
    )
    get_run_logger().log(30 if findings or rescued or incidents else 20, told)
    return Completed(message=told)
