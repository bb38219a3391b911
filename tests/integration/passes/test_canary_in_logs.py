"""SECURITY-TESTS 36 for logs of every level: what a library tells at DEBUG has no secret of a connection either."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from mailroom.connections import service as connections
from mailroom.connections.spec import NewConnection
from mailroom.states import DeliveryState
from tests.support.canary import CANARY, found_in, telling_far_side
from tests.support.environment import Environment
from tests.support.smtp import SmtpServer, smtp_settings

SIGNING = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY="


async def _connect(environment: Environment, name: str, kind: str, settings: dict[str, Any]) -> None:
    async with environment.database.session() as session:
        wanted = NewConnection(name=name, kind=kind, settings=settings)
        await connections.create(session, wanted, environment.context())


async def test_security_36_no_level_of_any_log_has_the_canary(
    environment: Environment, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    loud = [name for name in logging.root.manager.loggerDict if not name.startswith("asyncio")]
    before = {name: (logging.getLogger(name).level, logging.getLogger(name).propagate) for name in loud}
    try:
        for name in loud:
            logging.getLogger(name).setLevel(logging.DEBUG)
            logging.getLogger(name).propagate = True
        caplog.set_level(logging.DEBUG)
        with telling_far_side() as far_side:
            async with SmtpServer().serving(auth=True) as server:
                login = smtp_settings(server.port, username="mailroom", password=CANARY)
                await _connect(environment, "canary-mail", "email", login)
                for status in (200, 302, 401, 500):
                    hook = {"url": f"{far_side}/{status}/{quote(CANARY)}", "signing_secret": SIGNING}
                    plain = CANARY.encode("ascii", "ignore").decode()
                    auth = {"auth": "bearer", "auth_secret": plain}
                    await _connect(environment, f"canary-hook-{status}", "webhook", {**hook, **auth})
                hooks = [
                    {"channel": "webhook", "connection": f"canary-hook-{status}"} for status in (200, 302, 401, 500)
                ]
                mail = {"channel": "email", "connection": "canary-mail", "to": ["ada@example.com"]}
                schedule = await environment.create(destinations=[*hooks, mail])
                await environment.run_pass(
                    schedule, at=datetime.now(UTC), execution=await environment.request(schedule)
                )
                assert server.logins, "the password was sent"
        states = {row.connection: row.status for row in (await environment.deliveries()).values()}
        assert states["canary-hook-200"] is DeliveryState.DELIVERED
        assert DeliveryState.DELIVERED not in {state for name, state in states.items() if name != "canary-hook-200"}
    finally:
        for name, (level, propagate) in before.items():
            logging.getLogger(name).setLevel(level)
            logging.getLogger(name).propagate = propagate
    assert {record.levelno for record in caplog.records} >= {logging.DEBUG, logging.INFO}
    # Arguments, too, which a formatter may leave out.
    told = [one for one in caplog.records if found_in(f"{one.getMessage()} {vars(one)!r}".encode())]
    assert not [f"{record.name} {record.levelname}: {record.getMessage()[:300]}" for record in told]
    assert not found_in(caplog.text.encode())
    assert not found_in("".join(capfd.readouterr()).encode())
