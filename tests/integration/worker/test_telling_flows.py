"""Digest and summary as operators run them: their deployments in Prefect, a warm worker, and mails that arrive."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from prefect.client.schemas.objects import StateType

from deployments import own_flows
from deployments.sync.desired_own import DIGEST, SUMMARY
from mailroom.states import ExecutionState
from mailroom.storage.database import new_id
from mailroom.storage.tables import Execution, Notification
from prefect_mailroom import outbound
from tests.integration.passes.conftest import environment, mail_server

if TYPE_CHECKING:
    from tests.support.environment import Environment
    from tests.support.work_pool import WorkPool

__all__ = ["environment", "mail_server"]


async def _fill(environment: Environment) -> None:
    """Store a warning of an hour ago, and a run of two days ago that failed."""
    now = environment.now()
    schedule = await environment.create(now=now - timedelta(days=20))
    told = {"severity": "warning", "title": "Bob left", "body": "Words."}
    due = now - timedelta(days=2)
    failed = {"status": ExecutionState.FAILED, "reason": "The server said no.", "completed_at": due}
    async with environment.database.session() as session:
        session.add(Notification(user_id=environment.owner.id, at=now - timedelta(hours=1), **told))
        session.add(Execution(id=new_id(), schedule_id=schedule.id, due_at=due, created_at=due, **failed))


async def test_the_deployments_of_digest_and_summary_send_mails(environment: Environment, work_pool: WorkPool) -> None:
    await _fill(environment)
    just_now = environment.now() - timedelta(minutes=5)
    work_pool.start(
        environment={
            outbound.VARIABLE: "127.0.0.1",
            "MAILROOM_DATABASE_URL": str(environment.database.engine.url),
            "MAILROOM_DATA_DIR": str(environment.settings.data_dir),
            "MAILROOM_PREFECT_API_URL": work_pool.api,
            "MAILROOM_TELLING__DIGEST_AT": f"{just_now:%H:%M}",
            "MAILROOM_TELLING__SUMMARY_AT": f"{just_now:%H:%M}",
            "MAILROOM_TELLING__SUMMARY_DAY": f"{just_now:%a}".lower(),
        }
    )
    settings = environment.settings.model_copy(update={"work_pool": work_pool.pool})
    runs, deployments = [], []
    try:
        for flow in (DIGEST, SUMMARY):
            deployment, _ = await own_flows.ensure(work_pool.client, settings, flow)
            deployments.append(deployment)
            runs.append(await work_pool.order(deployment))
        ended = [await work_pool.until(run) for run in runs]
    finally:
        for deployment in deployments:  # Their schedules would go on in the server of the other tests.
            await work_pool.client.delete_deployment(deployment)
    told = [run.state.message or "" for run in ended if run.state and run.state.type is StateType.COMPLETED]
    assert ["1 sent" in one for one in told] == [True, True], [run.state for run in ended]
    assert {recipient for recipient, _ in environment.mail.mails} == {environment.owner.email}
    texts = [str(message.get_body(("plain",))) for _, message in environment.mail.mails]
    said = sorted(("Bob left" in text, "The server said no." in text) for text in texts)
    assert said == [(False, True), (True, False)]
