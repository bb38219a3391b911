"""Lists: pages, order, filters; the number of queries does not grow with the rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.tables import Artifact, Attempt, Delivery, Execution

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@contextmanager
def counted(api: Api) -> Iterator[list[str]]:
    """The SQL statements of the block's task; what runs behind it is not counted."""
    statements: list[str] = []
    task = asyncio.current_task()

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if asyncio.current_task() is task:
            statements.append(statement)

    engine = api.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


async def add_history(api: Api, schedule_id: str, count: int) -> list[str]:
    """Executions of two deliveries each, one confirmed, with one file."""
    ids = []
    async with api.database.session() as session:
        for number in range(count):
            artifact = Artifact(
                sha256="a" * 64,
                filename="orders.csv",
                format="csv",
                media_type="text/csv",
                size=10,
                created_at=NOW,
                expires_at=NOW + timedelta(days=9999),
            )
            session.add(artifact)
            await session.flush()
            execution = Execution(
                schedule_id=schedule_id,
                due_at=NOW + timedelta(hours=number),
                status=ExecutionState.PARTIAL,
                artifact_ids=[artifact.id],
                error_message="one was refused",
                error_id="e-1",
                created_at=NOW,
            )
            session.add(execution)
            await session.flush()
            for position, status in enumerate((DeliveryState.DELIVERED, DeliveryState.REFUSED)):
                delivery = Delivery(
                    execution_id=execution.id,
                    position=position,
                    channel="folder",
                    connection="shared",
                    recipient=f"r{position}",
                    key=f"{execution.id}-{position}",
                    destination={},
                    status=status,
                    created_at=NOW,
                )
                session.add(delivery)
                await session.flush()
                session.add(Attempt(delivery_id=delivery.id, number=1, started_at=NOW, ended_at=NOW, outcome=status))
            ids.append(execution.id)
    return ids


async def test_pages_hold_every_schedule_once_in_order(offline: Api, schedule_body: dict[str, Any]) -> None:
    for name in ("delta", "alpha", "charlie", "bravo", "echo_%"):
        await offline.json("POST", "/schedules/", 201, json={**schedule_body, "name": name})
    for sort, wanted in (
        ("name", ["alpha", "bravo", "charlie", "delta", "echo_%"]),
        ("-name", ["echo_%", "delta", "charlie", "bravo", "alpha"]),
        ("created_at", ["delta", "alpha", "charlie", "bravo", "echo_%"]),
        ("-updated_at", ["echo_%", "bravo", "charlie", "alpha", "delta"]),
    ):
        seen: list[str] = []
        query = f"/schedules/?limit=2&sort={sort}"
        page = await offline.json("GET", query, 200)
        while True:
            seen += [row["name"] for row in page["items"]]
            if not page["next_cursor"]:
                break
            page = await offline.json("GET", f"{query}&cursor={page['next_cursor']}", 200)
        assert seen == wanted, sort
    page = await offline.json("GET", "/schedules/?limit=1&sort=name", 200)
    other = f"/schedules/?limit=1&sort=created_at&cursor={page['next_cursor']}"
    assert (await offline.json("GET", other, 422))["errors"][0]["field"] == "cursor"


async def test_filters(offline: Api, schedule_body: dict[str, Any]) -> None:
    made = [
        await offline.json("POST", "/schedules/", 201, json={**schedule_body, "name": name})
        for name in ("alpha", "Beta 100%", "gamma")
    ]
    await offline.json("POST", f"/schedules/{made[0]['id']}/pause", 200)
    for query, wanted in (
        ("state=paused", {"alpha"}),
        ("state=active", {"Beta 100%", "gamma"}),
        ("search=BETA", {"Beta 100%"}),
        ("search=%25", {"Beta 100%"}),
        ("search=_", set()),
        ("search=' OR 1=1 --", set()),
        ("report_id=orders", {"alpha", "Beta 100%", "gamma"}),
        ("report_id=other", set()),
    ):
        rows = (await offline.json("GET", f"/schedules/?{query}", 200))["items"]
        assert {row["name"] for row in rows} == wanted, query
    # Only the ids are compared: the state of synchronisation moves on by itself between two requests.
    without_slash, with_slash = [await offline.json("GET", path, 200) for path in ("/schedules", "/schedules/")]
    assert [row["id"] for row in without_slash["items"]] == [row["id"] for row in with_slash["items"]]


async def test_history_tells_what_was_delivered(offline: Api, schedule_body: dict[str, Any]) -> None:
    made = await offline.json("POST", "/schedules/", 201, json=schedule_body)
    ids = await add_history(offline, made["id"], 3)
    history = (await offline.json("GET", f"/schedules/{made['id']}/history", 200))["items"]
    assert [row["id"] for row in history] == ids[::-1]
    assert {(row["delivered"], row["total"], row["error"]["id"]) for row in history} == {(1, 2, "e-1")}
    assert [file["filename"] for file in history[0]["artifacts"]] == ["orders.csv"]
    shown = await offline.json("GET", f"/schedules/{made['id']}", 200)
    last = shown["last_run"]
    assert (last["id"], last["status"], last["delivered"], last["total"]) == (ids[-1], "partial", 1, 2)
    detail = await offline.json("GET", f"/executions/{ids[0]}", 200)
    assert [(d["recipient"], d["status"], len(d["attempts"])) for d in detail["deliveries"]] == [
        ("r0", "delivered", 1),
        ("r1", "refused", 1),
    ]
    some = await offline.json("GET", "/schedules/executions?status=partial&due_from=2026-11-23T09:00:00Z", 200)
    assert {row["id"] for row in some["items"]} == set(ids[1:])
    assert (await offline.json("GET", "/schedules/executions?status=success", 200))["items"] == []
    await offline.json("GET", "/schedules/executions?due_from=2026-11-23", 422)


async def test_queries_do_not_grow_with_rows(offline: Api, schedule_body: dict[str, Any]) -> None:
    counts: dict[str, list[int]] = {}
    for _ in range(2):
        for _ in range(4):
            made = await offline.json("POST", "/schedules/", 201, json=schedule_body)
            await add_history(offline, made["id"], 3)
        for path in ("/schedules/", "/schedules/executions", f"/schedules/{made['id']}/history"):
            with counted(offline) as statements:
                await offline.json("GET", path, 200)
            counts.setdefault(path.replace(made["id"], "id"), []).append(len(statements))
    assert all(few == many for few, many in counts.values()), counts


async def test_notifications_are_the_callers(offline: Api) -> None:
    await offline.json("GET", "/notifications", 200)
    insert = (
        "INSERT INTO notifications (id, user_id, at, severity, title, body, read_at) "
        "SELECT '{0}', id, '2026-11-23 08:00:00.000000', 'warning', '{0}', '', {1} FROM users"
    )
    async with offline.database.engine.begin() as connection:
        await connection.exec_driver_sql(insert.format("new", "NULL"))
        await connection.exec_driver_sql(insert.format("read", "'2026-11-23 09:00:00.000000'"))
    assert len((await offline.json("GET", "/notifications", 200))["items"]) == 2
    assert [n["id"] for n in (await offline.json("GET", "/notifications?unread=true", 200))["items"]] == ["new"]
