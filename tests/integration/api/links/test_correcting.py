"""Corrections over REST: asked for once, linked both ways, and not for everybody to ask for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from mailroom.executions import repository as executions
from mailroom.links.maker import keys_of
from mailroom.roles import Role
from mailroom.states import DeliveryState
from mailroom.storage.tables import Delivery, Execution
from tests.integration.api.access.people import People
from tests.integration.api.links.conftest import ADA, BOB, MAIL, Sent

REASON = {"reason": "The figures for France were missing."}


async def test_a_correction_is_asked_for_once_and_linked_both_ways(sent: Sent) -> None:
    assert keys_of(sent.api.settings)
    async with sent.api.database.session() as session:
        bob = await session.get(Delivery, sent.deliveries[BOB].id)
        assert bob is not None
        bob.status = DeliveryState.REFUSED
    path, key = f"/executions/{sent.execution_id}/correct", {"Idempotency-Key": "pressed"}
    first = await sent.owner.json("POST", path, 202, json=REASON, headers=key)
    again = await sent.owner.json("POST", path, 202, json=REASON, headers=key)
    assert again["id"] == first["id"], "pressed twice, it is one"
    assert (first["kind"], first["status"], first["corrects"]) == ("correction", "pending", sent.execution_id)
    assert first["correction_reason"] == REASON["reason"]
    assert [(one["recipient"], one["status"]) for one in first["deliveries"]] == [(ADA, "pending")]
    wrong = await sent.owner.json("GET", f"/executions/{sent.execution_id}", 200)
    assert (wrong["corrected_by"], wrong["corrects"]) == (first["id"], None)
    assert wrong["links"]["corrected_by"].endswith(first["id"])
    refused = await sent.owner.json("POST", path, 409, json=REASON)
    assert first["id"] in refused["remedy"]
    await sent.owner.json("POST", f"/executions/{first['id']}/correct", 409)
    listed = await sent.owner.json("GET", "/schedules/executions?kind=correction", 200)
    assert [one["id"] for one in listed["items"]] == [first["id"]]
    async with sent.api.database.session() as session:
        assert [row.id for row in await executions.unsubmitted(session)] == [first["id"]], "it gets a flow run"
        kept = (await session.scalars(select(Delivery).where(Delivery.execution_id == first["id"]))).one()
        was = sent.deliveries[ADA]
        assert (kept.destination, kept.connection, kept.attempts) == (MAIL, was.connection, 0)
        assert kept.key != was.key, "the wrong mail does not count as the right one"


async def test_security_23_who_may_not_run_it_may_not_correct_it(sent_on_sqlite: Sent) -> None:
    sent, people = sent_on_sqlite, People(sent_on_sqlite.api)
    path, reader = f"/executions/{sent.execution_id}/correct", await people.person("reader", Role.CREATOR)
    await reader.json("POST", path, 404)
    await sent.api.json("PUT", f"/schedules/{sent.schedule_id}/shares", 200, json={"users": [reader.id]})
    await reader.json("POST", path, 403)
    narrow = await people.with_key(sent.owner.id, sent.owner.email, "read")
    await narrow.json("POST", path, 403)
    wrong: list[Any] = [{"reason": one} for one in ("", " ", "x" * 501, "two\nlines", 1)]
    wrong += [{"to": [BOB]}, []]
    for body in wrong:
        assert (await sent.owner.http.post(f"/api/v1{path}", json=body)).status_code in (400, 422), body
    async with sent.api.database.session() as session:
        assert (await session.scalars(select(Execution).where(Execution.corrects.is_not(None)))).all() == []
    for client in people.clients:
        await client.aclose()


async def test_corrections_count_as_runs_of_whoever_asks(sent_on_sqlite: Sent) -> None:
    sent = sent_on_sqlite
    before = await sent.owner.json("GET", "/limits", 200)
    await sent.owner.json("POST", f"/executions/{sent.execution_id}/correct", 202)
    after = await sent.owner.json("GET", "/limits", 200)
    assert _runs(after) == _runs(before) + 1


def _runs(limits: dict[str, Any]) -> int:
    (found,) = (one for one in limits["limits"] if one["name"] == "runs_an_hour")
    return int(found["used"])
