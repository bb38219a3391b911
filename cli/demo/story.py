"""Runs the demo through the REST API: clean up, create, ask, wait, look."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cli.demo import plan
from cli.demo.proof import Proof, look_at_mail, look_at_webhook, look_in_folder, prove
from cli.demo.receiver import Receiver
from cli.rest_client import ApiProblem, MailroomClient
from embedded.system import Addresses
from mailroom.settings import Settings
from mailroom.states import ExecutionState

# How long after the due minute the proof may take on a slow machine.
PATIENCE = 150.0


async def tell(settings: Settings, receiver: Receiver, say: Callable[[str], None]) -> list[Proof]:
    """Deliver by cron, by `run` and by `test`; returns a proof for each file at the receiving end."""
    with MailroomClient(settings) as client:

        async def call(method: str, path: str, body: Any = None, *, if_match: str = "") -> Any:
            headers = {"If-Match": if_match} if if_match else None
            # In a thread, so that Ctrl-C is heard while the API thinks.
            return await asyncio.to_thread(client.call, method, path, body, headers=headers)

        await _clean(call, client)
        await _webhook(call, receiver)
        due = plan.due_minute(datetime.now(UTC))
        cron = await call("POST", "/schedules/", plan.by_cron(due))
        say(f"created '{cron['name']}', due at {due:%H:%M} UTC")
        run = await call("POST", "/schedules/", plan.by_run())
        ran = await call("POST", f"/schedules/{run['id']}/run")
        say(f"created '{run['name']}' and asked to run it now")
        test = await call("POST", "/schedules/", plan.by_test())
        tested = await call("POST", f"/schedules/{test['id']}/test")
        say(f"created '{test['name']}' and asked for a test")

        deadline = time.monotonic() + (due - datetime.now(UTC)).total_seconds() + PATIENCE
        looks = {
            ran["id"]: (run["name"], look_in_folder(settings.data_dir / "delivered")),
            tested["id"]: (test["name"], look_at_webhook(receiver)),
        }
        proofs: list[Proof] = []
        fired = await _occurrence(call, cron["id"], due, deadline)
        if fired is None:
            proofs.append(Proof(cron["name"], due, None, "-", fault="the schedule did not run at its due minute"))
        else:
            looks = {fired: (cron["name"], look_at_mail(Addresses.of(settings).mail)), **looks}
        for execution_id, (name, look) in looks.items():
            execution = await _ended(call, execution_id, deadline)
            found = await asyncio.to_thread(prove, name, execution, look)
            say(f"'{name}': {'proved' if all(not proof.fault for proof in found) else 'not proved'}")
            proofs += found
        return proofs


Call = Callable[..., Any]


async def _clean(call: Call, client: MailroomClient) -> None:
    """Delete the schedules of an earlier demo; their history stays."""
    for schedule in await asyncio.to_thread(client.pages, "/schedules/"):
        if schedule["name"].startswith(plan.PREFIX):
            await call("DELETE", f"/schedules/{schedule['id']}", if_match="*")


async def _webhook(call: Call, receiver: Receiver) -> None:
    """Create the connection to this demo's receiver, which has a port and a secret of its own each time."""
    settings = {"url": receiver.url, "signing_secret": receiver.secret}
    body = {"kind": "webhook", "description": "The demo's receiver.", "settings": settings}
    try:
        await call("PUT", f"/connections/{plan.WEBHOOK}", body)
    except ApiProblem as problem:
        if problem.status != 404:
            raise
        await call("POST", "/connections", {"name": plan.WEBHOOK, **body})


async def _occurrence(call: Call, schedule_id: str, due: datetime, deadline: float) -> str | None:
    """Return the id of the execution that the cron minute made, once there is one."""
    while time.monotonic() < deadline:
        for execution in (await call("GET", f"/schedules/{schedule_id}/history"))["items"]:
            if execution["kind"] == "scheduled" and datetime.fromisoformat(execution["due_at"]) == due:
                return str(execution["id"])
        await asyncio.sleep(0.5)
    return None


async def _ended(call: Call, execution_id: str, deadline: float) -> dict[str, Any]:
    """Return the execution once it has ended, or as it is at the deadline."""
    while True:
        execution: dict[str, Any] = await call("GET", f"/executions/{execution_id}")
        if ExecutionState(execution["status"]).ended or time.monotonic() > deadline:
            return execution
        await asyncio.sleep(0.5)
