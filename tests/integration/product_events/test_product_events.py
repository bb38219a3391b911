"""The product learns by signed events what happened, each under one id, also where a sender dies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from mailroom.executions import lifecycle
from mailroom.executions.reasons import ReasonCode, because
from mailroom.product_events import lifecycle as outbox
from mailroom.product_events import send
from mailroom.setting_groups.product_events import ProductEventSettings
from mailroom.states import ExecutionState
from mailroom.storage.model.outboxes.product_events import ProductEvent
from prefect_mailroom import outbound
from tests.integration.blocks.conftest import (  # noqa: F401  # pytest finds fixtures by their names here.
    HttpServer,
    start_http,
)
from tests.integration.passes.conftest import (  # noqa: F401  # as above
    environment,
    mail_server,
)
from tests.support.environment import Environment
from tests.support.samples import MAIL
from tests.support.statements import recorded

SECRET = "whsec_YS1zaWduaW5nLXNlY3JldC1vZi0zMi1ieXRlcy1sZW4="
FORMER = "whsec_dGhlLWZvcm1lci1zZWNyZXQtb2YtMzItYnl0ZXMtbGVu"
ADA = {**MAIL, "to": ["ada@example.com"]}


@dataclass
class Product:
    """The product: its receiver, and the Mailroom that tells it."""

    here: Environment
    hook: HttpServer
    settings: ProductEventSettings

    async def tick(self, later: timedelta = timedelta()) -> int:
        """Do once what the loop does again and again; `later` is how far its clock is ahead."""
        return await send.tick(self.here.database, self.settings, clock=lambda: self.here.now() + later)

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what came, all of whose signatures are right."""
        return [(posted.headers["webhook-id"], self.opened(posted, SECRET)) for posted in self.hook.requests]

    def opened(self, posted: Any, secret: str) -> dict[str, Any]:
        """Return the body of a request whose signature is right."""
        opened: dict[str, Any] = Webhook(secret).verify(posted.body, posted.headers)
        return opened

    async def rows(self) -> list[ProductEvent]:
        """Return the outbox, oldest first."""
        async with self.here.database.session() as session:
            query = select(ProductEvent).order_by(ProductEvent.created_at, ProductEvent.type)
            return list(await session.scalars(query))


@pytest.fixture
async def product(
    environment: Environment,  # noqa: F811  # the fixture above
    start_http: Callable[..., Any],  # noqa: F811  # the fixture above
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Product]:
    """Let a product be told of everything."""
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    async with start_http() as hook:
        given = {"url": hook.url, "secret": SECRET, "secret_former": FORMER}
        for name, value in given.items():
            monkeypatch.setenv(f"MAILROOM_PRODUCT_EVENTS__{name.upper()}", value)
        yield Product(environment, hook, ProductEventSettings.model_validate(given))


async def test_each_event_is_told_once_and_signed(product: Product) -> None:
    here = product.here
    schedule = await here.create(destinations=[ADA], policy={"pause_after_failures": 1, "max_attempts": 1})
    await here.run_pass(schedule, await here.request(schedule))
    async with here.database.session() as session:
        gone = lifecycle.NewOccurrence(
            schedule.id, here.now(), ExecutionState.MISSED, because(ReasonCode.NO_CATCH_UP, late=timedelta(hours=1))
        )
        await lifecycle.insert_missing(session, [gone], now=here.now())
        late = await lifecycle.insert_occurrence(
            session, schedule.id, here.now() + timedelta(seconds=1), flow_run_id=None, now=here.now()
        )
    async with here.database.session() as session:
        reason = because(ReasonCode.NO_CATCH_UP, late=timedelta(hours=1))
        await lifecycle.close_unbegun(session, [(late.id, ExecutionState.MISSED, reason)], now=here.now())
    here.mail.data_breaks = True
    day = here.now().replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)
    await here.run_pass(schedule, at=day, now=day)
    assert await product.tick() == 5
    assert await product.tick() == 0
    told = [event for _, event in product.told()]
    assert sorted(event["type"] for event in told) == [
        "occurrence.missed",
        "occurrence.missed",
        "report.delivered",
        "report.failed",
        "schedule.suspended",
    ]
    by_type = {event["type"]: event["data"] for event in told}
    assert by_type["report.delivered"]["execution"].items() >= {"state": "success", "delivered": 1, "total": 1}.items()
    assert by_type["report.failed"]["execution"]["delivered"] == 0
    assert by_type["schedule.suspended"]["cause"] == "failures"
    assert by_type["occurrence.missed"]["execution"]["reason_code"] == "no_catch_up"
    assert {data["schedule"]["id"] for data in by_type.values()} == {schedule.id}
    assert not any(b"ada@example.com" in posted.body for posted in product.hook.requests)
    product.opened(product.hook.requests[0], FORMER)  # It is signed by the former secret, too.
    assert len({key for key, _ in product.told()}) == 5


async def test_one_that_is_not_taken_is_tried_again_under_its_id_for_a_day(product: Product) -> None:
    here = product.here
    schedule = await here.create(destinations=[ADA])
    await here.run_pass(schedule, await here.request(schedule))
    product.hook.status = 503
    assert await product.tick() == 0
    (row,) = await product.rows()
    assert (row.state, row.attempts, "503" in row.error) == ("pending", 1, True)
    assert await product.tick() == 0  # Not before its time.
    assert len(product.hook.requests) == 1
    for hours in range(1, 30):
        await product.tick(timedelta(hours=hours))
    (row,) = await product.rows()
    assert row.state == "failed"
    assert len({posted.headers["webhook-id"] for posted in product.hook.requests}) == 1
    product.hook.status = 204
    async with here.database.session() as session:
        await outbox.retry(session, row.id, viewer=here.context().viewer, now=here.now())
    assert await product.tick() == 1
    (row,) = await product.rows()
    assert (row.state, row.error) == ("sent", "")


async def test_another_sender_goes_on_where_one_died(product: Product) -> None:
    here = product.here
    schedule = await here.create(destinations=[ADA])
    await here.run_pass(schedule, await here.request(schedule))
    async with here.database.session() as session:  # One that claims an event, and dies.
        (lost,) = await outbox.claim(session, now=here.now(), limit=20)
    assert await product.tick() == 0
    assert await product.tick(outbox.LEASE) == 1
    assert [key for key, _ in product.told()] == [lost.id]
    async with here.database.session() as session:  # What the dead one would have said counts no more.
        await outbox.record(session, lost, error="It was slow.", again=None, now=here.now())
    (row,) = await product.rows()
    assert row.state == "sent"


async def test_an_event_is_undone_with_what_it_tells_of(product: Product) -> None:
    here = product.here
    schedule = await here.create(destinations=[ADA])

    async def undone() -> None:
        async with here.database.session() as session:
            gone = lifecycle.NewOccurrence(schedule.id, here.now(), ExecutionState.MISSED, None)
            await lifecycle.insert_missing(session, [gone], now=here.now())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await undone()
    assert await product.rows() == []


async def test_without_an_address_no_statement_is_made(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    here = product.here
    schedule = await here.create(destinations=[ADA])

    async def statements() -> int:
        execution = await here.request(schedule)
        with recorded(here.database) as recorder:
            await here.run_pass(schedule, execution)
        return sum("product_events" in one for transaction in recorder.transactions for one in transaction)

    assert await statements() == 1
    monkeypatch.setenv("MAILROOM_PRODUCT_EVENTS__URL", "")
    assert await statements() == 0
    monkeypatch.setenv("MAILROOM_PRODUCT_EVENTS__URL", product.hook.url)
    monkeypatch.setenv("MAILROOM_PRODUCT_EVENTS__TYPES", "report.failed")
    assert await statements() == 0
