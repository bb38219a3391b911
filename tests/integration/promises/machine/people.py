"""Changes that people ask of Mailroom, and those that they make in Prefect behind its back."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate
from prefect.client.schemas.schedules import CronSchedule
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.sync.desired import FLOW_NAME
from mailroom.access.viewer import SYSTEM
from mailroom.schedules import calendar_changes
from mailroom.schedules import repository as stored
from mailroom.schedules import service as schedules
from mailroom.schedules.backfill import Backfill, backfill
from mailroom.schedules.calendar_changes import CalendarSettings
from mailroom.schedules.deletions import undo
from mailroom.schedules.spec import read_spec, spec_data
from mailroom.states import ExecutionKind
from mailroom.storage.tables import User
from tests.integration.promises.environment import SimulatedEnvironment
from tests.integration.promises.prefect_model.model_of_prefect import Deployment

Change = Callable[[AsyncSession], Coroutine[Any, Any, object]]
WANTS = [
    *("edit", "pause", "resume", "delete", "undelete", "run now", "test", "backfill"),
    *("owner goes", "owner comes", "calendar"),
]
STOPS = ["pause", "pause", "owner goes", "delete"]
HANDS = ["delete", "pause", "resume", "switch off", "cron", "tags", "extra", "copy", "run"]
DRIFT = ["pause", "pause", "switch off", "delete", "cron", "tags", "extra", "copy"]
_HOLIDAYS = [{"date": "2026-03-30", "name": "Closed"}, {"date": "2026-10-26", "name": "Closed"}]


def create(environment: SimulatedEnvironment, body: dict[str, Any]) -> Change:
    return lambda session: schedules.create(session, read_spec(body), environment.context())


def edit(
    environment: SimulatedEnvironment, schedule_id: str, patch: dict[str, Any], if_match: str | None = None
) -> Change:
    async def change(session: AsyncSession) -> None:
        body = {**spec_data(await stored.get(session, schedule_id, viewer=SYSTEM)), **patch}
        await schedules.replace(session, schedule_id, read_spec(body), environment.context(), if_match=if_match)

    return change


def wish(environment: SimulatedEnvironment, schedule_id: str, want: str, patch: dict[str, Any], days: int) -> Change:
    """Return one of the changes in `WANTS`; `patch` is for an edit, `days` are how far a backfill reaches back."""
    context, now = environment.context(), environment.clock.now
    match want:
        case "edit":
            return edit(environment, schedule_id, patch)
        case "pause" | "resume" | "delete" | "undelete":
            switch = {
                "pause": schedules.pause,
                "resume": schedules.resume,
                "delete": schedules.delete,
                "undelete": undo.undelete,
            }[want]
            return lambda session: switch(session, schedule_id, context)
        case "run now" | "test":
            kind = ExecutionKind.TEST if want == "test" else ExecutionKind.RUN_NOW
            return lambda session: schedules.request_execution(session, schedule_id, kind, context)
        case "backfill":
            wanted = Backfill(since=now - timedelta(days=days, hours=5), until=now, again=days == 1)
            return lambda session: backfill(session, schedule_id, wanted, context)
        case "calendar":
            closed = CalendarSettings.model_validate({"title": "Office", "holidays": _HOLIDAYS[days:]})
            return lambda session: calendar_changes.replace(session, "office", closed, context)
    return lambda session: _owner(session, context.user.id, active=want == "owner comes")


async def _owner(session: AsyncSession, owner_id: str, *, active: bool) -> None:
    owner = await session.get(User, owner_id)
    assert owner is not None
    owner.is_active = active


async def by_hand(environment: SimulatedEnvironment, deployment: Deployment, act: str) -> bool:
    """Make one of the changes in `HANDS` in Prefect's own interface; returns whether there was anything to change."""
    person, there = environment.person, deployment.id
    timer = deployment.timers[0] if deployment.timers else None
    other = CronSchedule(cron="7 7 * * *", timezone="UTC")
    match act:
        case "delete":
            await person.delete_deployment(there)
        case "pause" | "resume":
            await person.update_deployment(there, DeploymentUpdate(paused=act == "pause"))
        case "switch off" if timer:
            await person.update_deployment_schedule(there, timer.id, active=False)
        case "cron" if timer:
            await person.update_deployment_schedule(there, timer.id, schedule=other)
        case "tags":
            await person.update_deployment(there, DeploymentUpdate(tags=["mine"]))
        case "extra":
            await person.create_deployment_schedules(there, [DeploymentScheduleCreate(schedule=other, active=True)])
        case "copy":
            fields = {key: value for key, value in deployment.fields.items() if key != "job_variables"}
            flow = await person.create_flow_from_name(FLOW_NAME)
            schedule = [DeploymentScheduleCreate(slug="timing", schedule=other)]
            await person.create_deployment(flow, f"{deployment.name}-copy", schedules=schedule, **fields)
        case "run":
            await person.create_flow_run_from_deployment(there, parameters={})
        case _:
            return False
    return True
