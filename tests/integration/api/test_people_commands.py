"""`mailroom recipients`, `suppressions` and `keys change`, against the API over a real connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from bench.browsing.in_process import on_a_port
from cli.commands.members import keys, recipients
from cli.commands.schedules import commands as schedules
from cli.rest_client import ApiProblem
from mailroom.errors import NotFound
from mailroom.executions.deliveries import new_delivery
from mailroom.executions.lifecycle import new_execution
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.database import new_id
from mailroom.storage.model.recipients import Unsubscription
from tests.integration.api.conftest import KEY, SCHEDULE

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

ADA = "ada@example.com"
Command = Callable[..., Any]


@pytest.fixture
async def served(offline: Api, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """Serve the API on a port, where the commands look for it."""
    async with on_a_port(offline.app) as port:
        for name, value in (("API_PORT", port), ("API_KEY", KEY), ("DATA_DIR", offline.settings.data_dir)):
            monkeypatch.setenv(f"MAILROOM_{name}", str(value))
        yield offline


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command and return the JSON that it printed."""

    async def run(command: Command, *arguments: Any, **options: Any) -> Any:
        await asyncio.to_thread(command, *arguments, **options, as_json=True)
        return json.loads(capsys.readouterr().out)

    return run


async def test_a_person_is_found_removed_suppressed_and_erased(served: Api, said: Command) -> None:
    mail = {"channel": "email", "connection": "corp-smtp", "to": [ADA, "bob@example.com"]}
    made = await served.json("POST", "/schedules/", 201, json={**SCHEDULE, "destinations": [mail]})
    found = await said(recipients.show, "ADA@example.com")
    assert [one["id"] for one in found["schedules"]["items"]] == [made["id"]]
    with pytest.raises(ApiProblem) as refused:
        await said(recipients.erase, ADA)
    assert refused.value.status == 409
    done = await said(recipients.remove, ADA)
    assert [(one["id"], one["removal"]) for one in done["changed"]] == [(made["id"], "changed")]
    added = await said(recipients.add, "@example.com", reason="Sold.")
    assert [one["id"] for one in await said(recipients.list_)] == [added["id"]]
    assert (await said(recipients.show, ADA))["suppression"]["id"] == added["id"]
    await asyncio.to_thread(recipients.lift, added["id"])
    assert (await served.json("GET", "/suppressions", 200))["items"] == []


async def test_they_tell_people_in_words(served: Api, capsys: pytest.CaptureFixture[str]) -> None:
    await asyncio.to_thread(recipients.erase, ADA)
    await asyncio.to_thread(recipients.add, ADA, reason="She asked.")
    await asyncio.to_thread(recipients.show, ADA)
    await asyncio.to_thread(recipients.remove, ADA)
    await asyncio.to_thread(recipients.list_)
    told = capsys.readouterr().out
    assert "@erased.invalid" in told
    assert told.count("She asked.") == 2


async def test_a_key_is_changed_and_identities_can_be_checked(
    served: Api, said: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    made = await served.json("POST", "/keys", 201, json={"name": "old", "scope": "write"})
    changed = await said(keys.change, made["id"], name="new", scope="read")
    assert (changed["name"], changed["scope"], changed["expires_at"]) == ("new", "read", made["expires_at"])
    with pytest.raises(ApiProblem) as refused:
        await said(keys.change, made["id"], scope="admin")
    assert refused.value.status == 422
    with pytest.raises(NotFound):
        await said(keys.change, "nobody")
    await asyncio.to_thread(keys.identity)
    first = capsys.readouterr().out
    assert load_pem_public_key(first.encode())
    await asyncio.to_thread(keys.identity)
    assert capsys.readouterr().out == first


async def test_unsubscribed_people_and_corrections(
    served: Api, said: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    await served.json("POST", "/schedules/", 201, json=SCHEDULE)
    (schedule,) = (await served.json("GET", "/schedules/", 200))["items"]
    now, wrong = datetime.now(UTC), new_id()
    async with served.database.session() as session:
        row = Unsubscription(address=ADA, schedule_id=schedule["id"], delivery_id=new_id(), created_at=now)
        execution = new_execution(schedule["id"], ExecutionKind.RUN_NOW, now, now=now)
        execution.id, execution.status, execution.completed_at = wrong, ExecutionState.SUCCESS, now
        session.add_all([row, execution])
        await session.flush()
        target = {"channel": "folder", "connection": "shared", "path": "x.{ext}"}
        sent = new_delivery(wrong, 0, "x.{ext}", channel="folder", connection="shared", destination=target, now=now)
        sent.status = DeliveryState.DELIVERED
        session.add(sent)
    assert [one["address"] for one in await said(recipients.unsubscribed, schedule["id"])] == [ADA]
    await asyncio.to_thread(recipients.resubscribe, schedule["id"], ADA.upper())
    assert ADA.upper() in capsys.readouterr().out
    assert await said(recipients.unsubscribed, schedule["id"]) == []
    made = await said(schedules.correct, wrong, reason="It was wrong.", wait=0)
    assert (made["corrects"], made["correction_reason"]) == (wrong, "It was wrong.")
    with pytest.raises(ApiProblem):
        await said(schedules.correct, wrong, wait=0)
