"""Say of past runs whether they would have been sent, over REST and on pages."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from mailroom.passes.conditions.kept import DataKept
from mailroom.product_events import lifecycle
from mailroom.rendering.facts.model import ColumnFacts, DataFacts, QueryFacts
from mailroom.states import ExecutionState
from mailroom.storage.model.outboxes.product_events import ProductEvent
from mailroom.storage.tables import Execution
from tests.support import samples

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api
    from tests.integration.api.schedule_page.conftest import Browser, Desk

E = ExecutionState
LARGE = {"query": "orders", "column": "amount", "op": ">=", "value": 1000, "rows": "any"}


def _facts(amount: int) -> dict[str, Any]:
    column = ColumnFacts(name="amount", numbers=2, number=("900", str(amount)))
    query = QueryFacts(rows=2, whole=f"{amount}", names=("region", "amount"), columns=(column,))
    data = DataKept(basis="b", digest=f"{amount}", rows=2, some=True, facts=DataFacts(queries={"orders": query}))
    return data.stored()


async def _runs(desk: Desk) -> list[str]:
    """Store four runs: one without facts, then amounts of 950, 1200 and 1200."""
    ids = await desk.ran(E.FAILED, E.SUCCESS, E.SUCCESS, E.SUCCESS)
    async with desk.api.database.session() as session:
        for run, amount in zip(ids[1:], (950, 1200, 1200), strict=True):
            await session.execute(update(Execution).where(Execution.id == run).values(data_facts=_facts(amount)))
    return ids


async def test_conditions_are_tried_on_past_runs(desk: Desk) -> None:
    ids = await _runs(desk)

    async def tried(condition: dict[str, Any] | None) -> dict[str, Any]:
        body = {} if condition is None else {"condition": condition}
        path = f"/schedules/{desk.schedule}/condition/preview"
        found: dict[str, Any] = await desk.api.json("POST", path, 200, json=body)
        assert [run["execution_id"] for run in found["runs"]] == ids[::-1]
        return found

    found = await tried({"send_if": "threshold", "threshold": LARGE})
    assert [run["sent"] for run in found["runs"]] == [True, True, False, None]
    assert (found["runs"][2]["reason_code"], found["runs"][2]["reason_values"]["found"]) == (
        "threshold_not_reached",
        "950",
    )
    assert found["runs"][3]["unknown"] == "not_rendered"
    changed = await tried({"send_if": "changed"})
    assert [run["sent"] for run in changed["runs"]] == [False, True, True, None]
    assert (await tried(None))["would_be_sent"] == 3
    for wrong, field in (
        ({"send_if": "threshold"}, "condition.threshold"),
        ({"send_if": "always", "threshold": LARGE}, "condition.threshold"),
        ({"send_if": "threshold", "threshold": {**LARGE, "query": "sales"}}, "condition.threshold.query"),
        ({"send_if": "threshold", "threshold": {**LARGE, "op": "~"}}, "condition.threshold.op"),
    ):
        path = f"/schedules/{desk.schedule}/condition/preview"
        refused = await desk.api.json("POST", path, 422, json={"condition": wrong})
        assert [fault["field"] for fault in refused["errors"]] == [field]


async def test_a_person_tries_them_without_scripts(desk: Desk, owner: Browser) -> None:
    ids = await _runs(desk)
    way = f"{desk.path}/condition"
    assert way in set((await owner.page(desk.path)).links)
    first = await owner.page(way)
    assert "Of the last 4 runs, 3 would have been sent, 0 would not and of 1 it is not known." in first.text
    form = first.form("Try it")
    sent = {
        **form.fields,
        "condition-send_if": "threshold",
        "condition-threshold-column": "amount",
        "condition-threshold-op": ">=",
        "condition-threshold-value": "1000",
    }
    answer = await owner.http.get(way, params=sent)
    assert answer.status_code == 200
    assert "2 would have been sent, 1 would not" in answer.text
    assert f"/executions/{ids[1]}" in answer.text
    assert "The largest value of amount was 950" in answer.text
    wrong = await owner.http.get(
        way, params={**sent, "condition-threshold-column": "", "condition-threshold-value": ""}
    )
    assert wrong.status_code == 422
    assert 'href="#condition-threshold-column"' in wrong.text
    hostile = await owner.http.get(way, params={**sent, "condition-threshold-column": "<script>alert(1)</script>"})
    assert "<script>alert" not in hostile.text
    assert "Its data had no column of this name." in hostile.text


async def test_on_postgres_too(on_postgres: Api) -> None:
    body = samples.schedule_body(destinations=[{**samples.FOLDER, "path": "{report_slug}.{ext}"}])
    condition = {"send_if": "threshold", "threshold": LARGE}
    made = await on_postgres.json("POST", "/schedules/", 201, json={**body, "condition": condition})
    assert made["condition"] == condition
    run = await on_postgres.json("POST", f"/schedules/{made['id']}/run", 202)
    async with on_postgres.database.session() as session:
        row = (await session.scalars(select(Execution).where(Execution.id == run["id"]))).one()
        row.status, row.data_facts = E.SKIPPED, _facts(950)
    for rule, expected in ((None, False), ({"send_if": "changed"}, True)):
        asked = {} if rule is None else {"condition": rule}
        found = await on_postgres.json("POST", f"/schedules/{made['id']}/condition/preview", 200, json=asked)
        assert [one["sent"] for one in found["runs"]] == [expected]


async def test_events_are_claimed_once_on_postgres(on_postgres: Api) -> None:
    now = datetime.now(UTC)
    async with on_postgres.database.session() as session:
        for number in range(3):
            told = ProductEvent(type="report.failed", data={}, retry_until=now, created_at=now)
            told.next_attempt_at = now - timedelta(seconds=number)
            session.add(told)
    claims = [on_postgres.database.transact(partial(lifecycle.claim, now=now, limit=2)) for _ in range(3)]
    claimed = [event.id for found in await asyncio.gather(*claims) for event in found]
    assert len(claimed) == len(set(claimed)) >= 2
    listed = (await on_postgres.json("GET", "/product-events?state=pending&type=report.failed", 200))["items"]
    assert sum(event["attempts"] for event in listed) == len(claimed)
    again = await on_postgres.json("POST", f"/product-events/{claimed[0]}/retry", 200)
    assert datetime.fromisoformat(again["retry_until"]) > now + timedelta(hours=23)
    await on_postgres.json("POST", "/product-events/nobody/retry", 404)
