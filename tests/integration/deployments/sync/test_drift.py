"""What people do to deployments in Prefect, and what the reconciler makes of it; a real Prefect server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectNotFound

from deployments.sync.deployment_mark import DeploymentMark, digest_of, signed
from deployments.sync.desired import FLOW_NAME, desired, schedule_tag
from deployments.sync.diff import diff, shown
from deployments.sync.drift_finder import DriftFinder
from deployments.sync.observed import Observed, read, read_others
from mailroom.access.viewer import SYSTEM, Viewer
from mailroom.audit import repository as audit
from mailroom.notifications import repository as notifications
from mailroom.reports import repository as report_repository
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules import repository as stored
from mailroom.schedules import service as schedules
from mailroom.schedules.spec import stored_spec
from mailroom.states import ScheduleState, SyncState
from mailroom.storage.tables import AuditEvent, Schedule
from tests.support.samples import REPORT

if TYPE_CHECKING:
    from tests.support.environment import Environment

EVERYTHING = 60.0


@pytest.fixture(autouse=True)
async def empty(environment: Environment) -> None:
    """Delete the deployments that tests with other databases left in this Prefect: they would be found, and rightly."""
    async with PrefectClient(environment.settings.prefect_api) as client:
        while found := await read_others(client, []):
            for deployment in found:
                await client.delete_deployment(deployment.id)


async def _settled(environment: Environment, **changes: Any) -> Schedule:
    schedule = await environment.create(**changes)
    await environment.reconciler.settle_schedule(schedule.id)
    row = await environment.row(schedule)
    assert row.sync_state is SyncState.SYNCED
    return row


async def _in_step(environment: Environment, schedule: Schedule) -> bool:
    row = await environment.row(schedule)
    async with PrefectClient(environment.settings.prefect_api) as client:
        there = (await read(client, [schedule.id])).get(schedule.id)
    return diff(desired(row, environment.settings), there) is None and row.sync_state is SyncState.SYNCED


async def _events(environment: Environment, schedule: Schedule, action: str) -> list[AuditEvent]:
    of_schedule = audit.AuditFilter(entity_type="schedule", entity_id=schedule.id)
    async with environment.database.session() as session:
        page = await audit.list_page(session, wanted=of_schedule, viewer=SYSTEM)
    return [event for event in page.items if event.action == action]


async def _cron_edited(client: PrefectClient, schedule: Schedule) -> None:
    """Edit the cron as Prefect's interface does, which leaves the deployment's time of change alone."""
    deployment = await client.read_deployment_by_name(f"{FLOW_NAME}/{schedule.id}")
    timing = deployment.schedules[0]
    await client.update_deployment_schedule(deployment.id, timing.id, schedule=CronSchedule(cron="0 3 * * *"))


async def _fields_edited(client: PrefectClient, schedule: Schedule) -> None:
    deployment = await client.read_deployment_by_name(f"{FLOW_NAME}/{schedule.id}")
    update = DeploymentUpdate(
        parameters={"schedule_id": "another"}, tags=["mine"], entrypoint="x.py:x", pull_steps=[], job_variables={"a": 1}
    )
    await client.update_deployment(deployment.id, update)


async def _schedule_added(client: PrefectClient, schedule: Schedule) -> None:
    deployment = await client.read_deployment_by_name(f"{FLOW_NAME}/{schedule.id}")
    extra = DeploymentScheduleCreate(slug="extra", schedule=CronSchedule(cron="* * * * *"))
    await client.create_deployment_schedules(deployment.id, [extra])


async def _schedule_removed(client: PrefectClient, schedule: Schedule) -> None:
    deployment = await client.read_deployment_by_name(f"{FLOW_NAME}/{schedule.id}")
    await client.delete_deployment_schedule(deployment.id, deployment.schedules[0].id)


async def _deleted(client: PrefectClient, schedule: Schedule) -> None:
    deployment = await client.read_deployment_by_name(f"{FLOW_NAME}/{schedule.id}")
    await client.delete_deployment(deployment.id)


@pytest.mark.parametrize(
    ("by_hand", "field"),
    [
        (_cron_edited, "cron"),
        (_fields_edited, "parameters"),
        (_schedule_added, "extra schedules"),
        (_schedule_removed, "cron"),
        (_deleted, "deployment"),
    ],
    ids=["cron", "fields", "schedule-added", "schedule-removed", "deleted"],
)
async def test_what_was_changed_by_hand_is_put_back_and_audited(
    environment: Environment, by_hand: Any, field: str
) -> None:
    schedule = await _settled(environment)
    assert await environment.reconciler.repair(seconds=EVERYTHING) == 0
    async with PrefectClient(environment.settings.prefect_api) as client:
        await by_hand(client, schedule)
    assert await environment.reconciler.repair(seconds=EVERYTHING) == 1
    assert await _in_step(environment, schedule)
    (event,) = await _events(environment, schedule, "drift repaired")
    assert field in event.detail
    assert await environment.reconciler.repair(seconds=EVERYTHING) == 0
    assert len(await _events(environment, schedule, "drift repaired")) == 1


async def test_a_change_by_stamp_and_a_deletion_by_count_are_found_without_reading_everything(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing to read on through, the stamp and the count find these all the same."""
    changed, gone = await _settled(environment), await _settled(environment)

    async def nothing_follows(*_: Any) -> list[Schedule]:
        return []

    monkeypatch.setattr(stored, "following", nothing_follows)
    finder = DriftFinder(environment.database, environment.settings)
    async with PrefectClient(environment.settings.prefect_api) as client:
        await finder.find(client, seconds=0)
        await _fields_edited(client, changed)
        assert set((await finder.find(client, seconds=0)).verdicts) == {changed.id}, "by its stamp"
        await _deleted(client, gone)
        found = await finder.find(client, seconds=0)
    assert set(found.verdicts) == {changed.id, gone.id}


def observe_as(model: DeploymentResponse, there: Observed) -> DeploymentUpdate:
    """Return an update to another description, marked as our own."""
    older = replace(there, description="As an older version said it.")
    mark = DeploymentMark(1, paused=there.paused, digest=digest_of(shown(older)))
    return DeploymentUpdate(description=signed(older.description, mark), tags=model.tags)


async def test_our_own_changes_are_not_audited_as_drift(environment: Environment) -> None:
    schedule = await _settled(environment)
    async with environment.database.session() as session:
        await schedules.pause(session, schedule.id, environment.context())
    await environment.reconciler.repair(seconds=EVERYTHING)
    async with PrefectClient(environment.settings.prefect_api) as client:  # As a Mailroom of another version left it.
        model = await environment.deployment(schedule)
        there = observe_as(model, (await read(client, [schedule.id]))[schedule.id])
        await client.update_deployment(model.id, there)
    await environment.reconciler.repair(seconds=EVERYTHING)
    assert await _in_step(environment, schedule)
    assert await _events(environment, schedule, "drift repaired") == []


async def _pause_in_prefect(environment: Environment, schedule: Schedule, *, paused: bool = True) -> None:
    """Pause or resume the deployment as the switch of Prefect's interface does."""
    deployment = await environment.deployment(schedule)
    async with PrefectClient(environment.settings.prefect_api) as client:
        verb = "pause" if paused else "resume"
        await client.request("POST", f"/deployments/{deployment.id}/{verb}_deployment")  # type: ignore[arg-type]  # a path


async def test_a_pause_in_prefect_is_adopted_and_so_is_its_resume(environment: Environment) -> None:
    schedule = await _settled(environment)
    await environment.reconciler.repair(seconds=0)
    await _pause_in_prefect(environment, schedule)
    assert await environment.reconciler.repair(seconds=EVERYTHING) == 1
    row = await environment.row(schedule)
    assert (row.state, row.sync_state) == (ScheduleState.PAUSED, SyncState.SYNCED)
    assert (await environment.deployment(schedule)).paused
    (event,) = await _events(environment, schedule, "paused")
    assert event.actor == "prefect-ui"
    async with environment.database.session() as session:
        notes = (await notifications.list_page(session, viewer=Viewer(schedule.user_id))).items
    assert [note.schedule_id for note in notes] == [schedule.id]
    assert await _events(environment, schedule, "drift repaired") == []

    await _pause_in_prefect(environment, schedule, paused=False)
    await environment.reconciler.repair(seconds=EVERYTHING)
    row = await environment.row(schedule)
    assert (row.state, row.sync_state) == (ScheduleState.ACTIVE, SyncState.SYNCED)
    assert not (await environment.deployment(schedule)).paused
    (event,) = await _events(environment, schedule, "resumed")
    assert event.actor == "prefect-ui"


async def test_a_schedule_switched_off_in_prefect_is_a_pause(environment: Environment) -> None:
    schedule = await _settled(environment)
    deployment = await environment.deployment(schedule)
    async with PrefectClient(environment.settings.prefect_api) as client:
        await client.update_deployment_schedule(deployment.id, deployment.schedules[0].id, active=False)
    assert await environment.reconciler.repair(seconds=EVERYTHING) == 1
    assert (await environment.row(schedule)).state is ScheduleState.PAUSED
    assert await _in_step(environment, schedule)


async def test_a_resume_in_prefect_of_our_pause_is_undone(environment: Environment) -> None:
    schedule = await _settled(environment)
    async with environment.database.session() as session:
        await schedules.pause(session, schedule.id, environment.context())
    await environment.reconciler.settle_schedule(schedule.id)
    await _pause_in_prefect(environment, schedule, paused=False)
    assert await environment.reconciler.repair(seconds=EVERYTHING) == 1
    assert (await environment.row(schedule)).state is ScheduleState.PAUSED
    assert (await environment.deployment(schedule)).paused
    assert len(await _events(environment, schedule, "drift repaired")) == 1


async def test_a_resume_in_prefect_of_what_does_not_fit_its_report_is_undone(environment: Environment) -> None:
    schedule = await _settled(environment)
    await environment.reconciler.repair(seconds=0)
    await _pause_in_prefect(environment, schedule)
    await environment.reconciler.repair(seconds=EVERYTHING)
    async with environment.database.session() as session:
        definition = ReportDefinition.model_validate({**REPORT, "formats": ["html"]})
        await report_repository.save(session, definition, now=datetime.now(UTC))
    await _pause_in_prefect(environment, schedule, paused=False)
    await environment.reconciler.repair(seconds=EVERYTHING)
    assert (await environment.row(schedule)).state is ScheduleState.PAUSED
    assert (await environment.deployment(schedule)).paused
    assert await _events(environment, schedule, "resumed") == []


async def test_a_crash_between_our_resume_and_prefects_is_not_a_persons_pause(environment: Environment) -> None:
    schedule = await _settled(environment)
    for change in (schedules.pause, schedules.resume):
        async with environment.database.session() as session:
            await change(session, schedule.id, environment.context())
        if change is schedules.pause:
            await environment.reconciler.settle_schedule(schedule.id)
    await environment.reconciler.repair(seconds=EVERYTHING)
    assert (await environment.row(schedule)).state is ScheduleState.ACTIVE
    assert not (await environment.deployment(schedule)).paused


async def test_a_pause_in_prefect_survives_our_edit_that_was_not_written_yet(environment: Environment) -> None:
    schedule = await _settled(environment)
    await _pause_in_prefect(environment, schedule)
    async with environment.database.session() as session:
        row = await stored.get(session, schedule.id, viewer=SYSTEM)
        spec = stored_spec(row).model_copy(update={"name": "Renamed"})
        await schedules.replace(session, schedule.id, spec, environment.context(), if_match=None)
    await environment.reconciler.settle_schedule(schedule.id)
    row = await environment.row(schedule)
    assert (row.name, row.state) == ("Renamed", ScheduleState.PAUSED)
    deployment = await environment.deployment(schedule)
    assert deployment.paused
    assert (deployment.description or "").startswith("Renamed")


async def _made_by_hand(
    client: PrefectClient, name: str, tags: list[str], like: Schedule, flow: str = FLOW_NAME
) -> None:
    """Copy a deployment as Prefect's interface does."""
    model = await client.read_deployment_by_name(f"{FLOW_NAME}/{like.id}")
    await client.create_deployment(
        flow_id=await client.create_flow_from_name(flow),
        name=name,
        tags=tags,
        parameters=model.parameters,
        entrypoint=model.entrypoint,
        work_pool_name=model.work_pool_name,
        pull_steps=model.pull_steps,
    )


async def test_copies_and_orphans_go_and_nothing_else(environment: Environment) -> None:
    schedule = await _settled(environment)
    gone = "00000000-0000-4000-8000-00000000dead"
    async with PrefectClient(environment.settings.prefect_api) as client:
        await _made_by_hand(client, "copy", ["mailroom", schedule_tag(schedule.id)], schedule)
        await _made_by_hand(client, gone, ["mailroom", schedule_tag(gone)], schedule)
        await _made_by_hand(client, "mine", ["mine"], schedule)
        await _made_by_hand(client, "theirs", ["mailroom", schedule_tag(gone)], schedule, flow="a-users-flow")
        assert await environment.reconciler.repair(seconds=0) == 2
        for name in (f"{FLOW_NAME}/copy", f"{FLOW_NAME}/{gone}"):
            with pytest.raises(ObjectNotFound):
                await client.read_deployment_by_name(name)
        for name in (f"{FLOW_NAME}/{schedule.id}", f"{FLOW_NAME}/mine", "a-users-flow/theirs"):
            await client.delete_deployment((await client.read_deployment_by_name(name)).id)
    (event,) = await _events(environment, schedule, "drift repaired")
    assert event.detail["removed"] == "copy"


async def test_two_processes_repair_at_once(environment: Environment) -> None:
    made = [await _settled(environment) for _ in range(3)]
    async with PrefectClient(environment.settings.prefect_api) as client:
        await _cron_edited(client, made[0])
        await _deleted(client, made[1])
    await _pause_in_prefect(environment, made[2])
    others = [environment.at(environment.settings.prefect_api) for _ in range(2)]
    await asyncio.gather(*(other.repair(seconds=EVERYTHING) for other in others))
    for schedule in made:
        await environment.reconciler.settle_schedule(schedule.id)
        assert await _in_step(environment, schedule)
    assert (await environment.row(made[2])).state is ScheduleState.PAUSED
    assert len(await _events(environment, made[2], "paused")) == 1
    assert await environment.reconciler.repair(seconds=EVERYTHING) == 0
    for other in others:
        await other.close()


async def test_a_stale_writer_does_not_have_the_last_word(environment: Environment) -> None:
    """Another process wrote an older generation after us: the schedule is pending again, and converges."""
    schedule = await _settled(environment)
    async with environment.database.session() as session:
        await schedules.pause(session, schedule.id, environment.context())
    await environment.reconciler.settle_schedule(schedule.id)
    async with environment.database.session() as session:
        await stored.mark_synced(session, schedule.id, generation=1, deployment_id=schedule.deployment_id)
    assert (await environment.row(schedule)).sync_state is SyncState.PENDING
    await environment.reconciler.run_pass()
    row = await environment.row(schedule)
    assert (row.sync_state, row.observed_generation) == (SyncState.SYNCED, row.generation)


async def test_a_change_shortly_before_a_due_time_leaves_its_run_in_prefect(environment: Environment) -> None:
    """Prefect throws away the runs that it had inserted; its scheduler would make new ones from seconds later on."""
    due = (datetime.now(UTC) + timedelta(seconds=90)).replace(second=0, microsecond=0)
    timing = {"frequency": "daily", "at": f"{due:%H:%M}", "timezone": "UTC"}
    schedule = await _settled(environment, timing=timing)
    assert schedule.next_run == due
    for name in ("as it was made", "Renamed"):
        if name == "Renamed":
            async with environment.database.session() as session:
                spec = stored_spec(await stored.get(session, schedule.id, viewer=SYSTEM)).model_copy(
                    update={"name": name}
                )
                await schedules.replace(session, schedule.id, spec, environment.context(), if_match=None)
            await environment.reconciler.settle_schedule(schedule.id)
        async with PrefectClient(environment.settings.prefect_api) as client:
            tags = FlowRunFilterTags(all_=[schedule_tag(schedule.id)])
            runs = await client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=tags))
        assert [run.expected_start_time for run in runs if run.expected_start_time == due] == [due], name
