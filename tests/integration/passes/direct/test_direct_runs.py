"""A run without a schedule: Prefect keeps its receipts, and no pass of it repeats what was confirmed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import yaml
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import Artifact, FlowRun, StateType

from tests.support.flow_runs import FlowRuns, load_flow
from tests.support.samples import MAIL, REPORT

if TYPE_CHECKING:
    from tests.support.environment import Environment

ADA, BOB = "ada@example.com", "bob@example.com"


@dataclass
class Direct:
    """Runs of the flow that need no ledger, in this process, against the real Prefect."""

    runs: FlowRuns

    async def create(self, **changes: Any) -> UUID:
        parameters = {"report": "reports/orders", "destination": MAIL, "formats": ["csv"], **changes}
        return (await self.runs.client.create_flow_run(self.runs.flow, parameters=parameters)).id

    async def work(self, run_id: UUID) -> FlowRun:
        return await self.runs.work(run_id)

    async def kept(self, run_id: UUID) -> tuple[Artifact, dict[str, dict[str, Any]]]:
        """The only artifact of the run, and its rows by recipient."""
        mine = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        [artifact] = await self.runs.client.read_artifacts(artifact_filter=mine)
        return artifact, {row["recipient"]: row for row in json.loads(str(artifact.data))}

    async def change(self, run_id: UUID, recipient: str, **values: Any) -> None:
        """Let the row of a recipient be another one, as after some time or a death of the process."""
        artifact, rows = await self.kept(run_id)
        rows[recipient] |= values
        await self.runs.client.update_artifact(artifact.id, ArtifactUpdate(data=json.dumps([*rows.values()])))


@pytest.fixture
def direct(flow_runs: FlowRuns, environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Direct:
    # Nothing of the ledger is there for them.
    monkeypatch.setenv("MAILROOM_DATABASE_URL", "")
    monkeypatch.setenv("MAILROOM_DATA_DIR", str(tmp_path / "no-data"))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "reports" / "orders"
    folder.mkdir(parents=True)
    (folder / "report.yaml").write_text(yaml.safe_dump({k: v for k, v in REPORT.items() if k != "id"}))
    return Direct(FlowRuns(flow_runs.client, load_flow("deliver_report")))


def message_ids(environment: Environment, recipient: str) -> set[str]:
    return {str(mail["Message-ID"]) for to, mail in environment.mail.mails if to == recipient}


async def test_what_is_confirmed_is_never_repeated(direct: Direct, environment: Environment) -> None:
    environment.mail.replies = {BOB: "451 later"}
    run_id = await direct.create(parameters={"region": "EMEA"})
    run = await direct.work(run_id)
    assert run.state_type is StateType.SCHEDULED, run.state
    assert run.next_scheduled_start_time is not None
    assert run.next_scheduled_start_time > datetime.now(UTC), "it waits, and holds no slot"
    _, rows = await direct.kept(run_id)
    assert {to: (row["state"], row["attempts"]) for to, row in rows.items()} == {
        ADA: ("delivered", 1),
        BOB: ("failed", 1),
    }

    environment.mail.replies.clear()
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    await direct.change(run_id, BOB, next_attempt=past)
    run = await direct.work(run_id)
    assert run.state_type is StateType.COMPLETED, run.state
    assert environment.mail.counts() == {ADA: 1, BOB: 1}
    artifact, rows = await direct.kept(run_id)
    assert rows[BOB]["attempts"] == 2
    assert "orders.csv" in str(artifact.description)

    # A process that died between the last byte and the receipt: the receiver may have it, so the key stays.
    await direct.change(run_id, ADA, state="sending", receipt="", grade="")
    run = await direct.work(run_id)
    assert environment.mail.counts() == {ADA: 2, BOB: 1}
    assert len(message_ids(environment, ADA)) == 1
    assert message_ids(environment, ADA) != message_ids(environment, BOB)


async def test_a_person_lets_it_try_again_what_was_refused(direct: Direct, environment: Environment) -> None:
    environment.mail.replies = {BOB: "550 no such user"}
    run_id = await direct.create()
    run = await direct.work(run_id)
    assert (run.state_type, run.state_name) == (StateType.FAILED, "Partial")
    environment.mail.replies.clear()
    run = await direct.work(run_id)
    assert run.state_type is StateType.COMPLETED, run.state
    assert environment.mail.counts() == {ADA: 1, BOB: 1}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"report": "reports/none"}, "report.yaml"),
        ({"formats": ["pdf"]}, "csv, html"),
        ({"destination": {**MAIL, "connection": "nobody"}}, "destination.connection: There is no valid"),
        ({"destination": {"channel": "folder", "connection": MAIL["connection"]}}, "of the type mailroom-folder"),
        ({"destination": {**MAIL, "channel": "emial"}}, "destination.channel"),
        ({"destination": {"connection": "mail"}}, "destination.channel is missing"),
        ({"destination": {**MAIL, "sbject": "x"}}, "parameters of the deployment"),
        ({"parameters": {"region": "Mars"}}, "region"),
    ],
)
async def test_a_wrong_order_sends_nothing(
    direct: Direct, environment: Environment, changes: dict[str, Any], told: str
) -> None:
    run = await direct.work(await direct.create(**changes))
    assert run.state_type is StateType.FAILED
    assert run.state is not None
    assert told in str(run.state.message)
    assert not environment.mail.mails


async def test_a_record_that_is_not_ours_sends_nothing(direct: Direct, environment: Environment) -> None:
    environment.mail.replies = {ADA: "550 no", BOB: "550 no"}
    run_id = await direct.create()
    await direct.work(run_id)
    artifact, _ = await direct.kept(run_id)
    await direct.runs.client.update_artifact(artifact.id, ArtifactUpdate(data="gone"))
    environment.mail.replies.clear()
    run = await direct.work(run_id)
    assert run.state_type is StateType.FAILED
    assert not environment.mail.mails
