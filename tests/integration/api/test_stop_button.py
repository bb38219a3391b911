"""The stop button over REST and on the command line: it answers what stands, and shows before it resumes."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mailroom.passes.claim import FlowRunFacts
from mailroom.passes.work import Work
from mailroom.storage.database import new_id

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

ALL = {"scope": "all", "reason": "A wrong report."}


async def test_stopping_twice_answers_the_stop_that_stands(either: Api) -> None:
    assert (await either.json("GET", "/stops", 200))["items"] == []
    answers = await asyncio.gather(*(either.json("POST", "/stop", 200, json=ALL) for _ in range(4)))
    first = answers[0]
    assert {answer["id"] for answer in answers} == {first["id"]}
    assert (first["scope"], first["target"], first["cause"]) == ("all", "", "person")
    assert (first["reason"], first["stopped_by"]) == (ALL["reason"], "owner@localhost")
    assert (await either.json("GET", "/stops", 200))["items"] == [first]
    events = (await either.json("GET", "/audit?entity_type=stop", 200))["items"]
    assert [(event["action"], event["detail"]["reason"]) for event in events] == [("stopped", ALL["reason"])]
    assert "everything" in (await either.http.get("/readyz")).json()["checks"]["sending"]

    shown = await either.json("POST", "/resume", 200, json={"scope": "all"})
    assert (shown["dry_run"], [stop["id"] for stop in shown["lifted"]]) == (True, [first["id"]])
    assert len((await either.json("GET", "/stops", 200))["items"]) == 1
    await either.json("POST", "/resume", 200, json={"scope": "all", "dry_run": False})
    assert (await either.json("GET", "/stops", 200))["items"] == []
    await either.json("POST", "/resume", 404, json={"scope": "all"})
    again = await either.json("POST", "/stop", 200, json=ALL)
    assert again["id"] != first["id"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"scope": "all"}, 422),
        ({"scope": "all", "target": "x", "reason": "y"}, 422),
        ({"scope": "report", "reason": "y"}, 422),
        ({"scope": "report", "target": "nothing", "reason": "y"}, 404),
        ({"scope": "connection", "target": "nothing", "reason": "y"}, 404),
        ({"scope": "schedule", "target": "nothing", "reason": "y"}, 404),
        ({"scope": "world", "reason": "y"}, 422),
    ],
)
async def test_what_is_stopped_has_to_exist(offline: Api, body: dict[str, str], status: int) -> None:
    await offline.json("POST", "/stop", status, json=body)
    assert (await offline.json("GET", "/stops", 200))["items"] == []


async def test_resuming_shows_what_would_go_and_what_is_too_late(either: Api, schedule_body: dict[str, Any]) -> None:
    """Three runs wait: one has expired, and one is held by another stop as well."""
    other = {"channel": "folder", "connection": "shared", "path": "other/{date}.{ext}"}
    ids = {}
    for name in ("goes", "expired", "held"):
        body = {**schedule_body, "name": name, "destinations": [*schedule_body["destinations"], other]}
        made = await either.json("POST", "/schedules/", 201, json=body)
        ids[name] = made["id"]
    await either.json("POST", "/stop", 200, json={"scope": "report", "target": "orders", "reason": "Wrong."})
    held = {"scope": "schedule", "target": ids["held"], "reason": "Too."}
    await either.json("POST", "/stop", 200, json=held)
    for name, schedule_id in ids.items():
        run = await either.json("POST", f"/schedules/{schedule_id}/run", 202)
        facts = FlowRunFacts(new_id(), datetime.now(UTC), scheduled=False)
        outcome = await Work(either.database, either.settings, facts).begin(schedule_id, run["id"])
        assert getattr(outcome, "held_by", None), name
        if name == "expired":
            await _age(either, run["id"])
    before = [(one["status"], one["reason_code"]) for one in (await _executions(either))]
    assert before == [("pending", "stopped")] * 3

    shown = await either.json("POST", "/resume", 200, json={"scope": "report", "target": "orders"})
    assert (shown["would_go"]["executions"], shown["would_go"]["deliveries"]) == (1, 2)
    assert [one["id"] for one in shown["would_go"]["schedules"]] == [ids["goes"]]
    assert sum(one["deliveries"] for one in shown["would_go"]["recipients"]) == 2
    assert (shown["too_late"]["executions"], shown["too_late"]["schedules"][0]["id"]) == (1, ids["expired"])
    assert [one["target"] for one in shown["still_standing"]] == [ids["held"]]
    assert shown["complete"]
    assert [(one["status"], one["reason_code"]) for one in (await _executions(either))] == before


async def _executions(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.json("GET", "/schedules/executions", 200))["items"]
    return found


async def _age(api: Api, execution_id: str) -> None:
    """Let the execution have been asked for so long ago that it has expired."""
    from mailroom.executions import repository as executions

    async with api.database.session() as session:
        row = await executions.get(session, execution_id)
        row.due_at = row.created_at = datetime.now(UTC) - timedelta(hours=5)


async def test_a_test_of_a_connection_is_refused_while_it_is_stopped(offline: Api) -> None:
    await offline.json("POST", "/stop", 200, json={"scope": "connection", "target": "shared", "reason": "Full."})
    problem = await offline.json("POST", "/distribution/test/folder", 409, json={"connection": "shared"})
    assert "Full." in problem["detail"]
    answer = await offline.http.post("/api/v1/distribution/test/email", json={"connection": "corp-smtp"})
    assert answer.status_code == 503, "another connection is asked; Prefect alone is missing here"


async def test_the_command_works_without_the_api(tmp_path: Path) -> None:
    """On the database alone, as after a backup was restored."""
    environment = {"MAILROOM_DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin", "MAILROOM_API_PORT": "1"}

    async def run(*arguments: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli.main", *arguments),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(process.communicate(), 120)
        return process.returncode or 0, said.decode()

    from mailroom.storage.database import Database
    from mailroom.storage.migrations import upgrade

    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'mailroom.db'}")
    await upgrade(database)
    await database.close()
    assert (await run("stops"))[0] == 0
    status, said = await run("stop", "--reason", "The backup is being restored.")
    assert status == 0, said
    status, said = await run("stops")
    assert (status, "The backup is being restored." in said) == (1, True), said
    assert (await run("stop", "--reason", "Again."))[0] == 0
    status, said = await run("resume")
    assert status == 0, said
    assert (await run("stops"))[0] == 1, "the first call shows"
    assert (await run("resume", "--yes"))[0] == 0
    assert (await run("stops"))[0] == 0
    status, said = await run("resume", "--yes")
    assert status == 1, said
