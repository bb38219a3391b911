"""Alerts over REST and on the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bench.browsing.in_process import on_a_port
from cli.commands.watching import alerts as commands
from mailroom.alerts import repository
from mailroom.alerts.spec import Target
from mailroom.incidents.spec import IncidentKind, Level, Severity, Stage
from mailroom.notifications.kinds import Route
from mailroom.storage.model.incidents import Incident
from tests.integration.api.conftest import KEY

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


@pytest.fixture
async def served(offline: Api, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """Serve the API on a port, where the commands look for it."""
    async with on_a_port(offline.app) as port:
        for name, value in (("API_PORT", port), ("API_KEY", KEY), ("DATA_DIR", offline.settings.data_dir)):
            monkeypatch.setenv(f"MAILROOM_{name}", str(value))
        yield offline


async def an_incident(api: Api, *targets: Target) -> str:
    now = datetime.now(UTC)
    async with api.database.session() as session:
        # It is not due to be told, so that the loops of the API leave it alone.
        row = Incident(
            kind=str(IncidentKind.DISK_LOW),
            subject="data",
            severity=str(Severity.ERROR),
            level=str(Level.OPERATOR),
            opened_at=now,
            last_seen_at=now,
        )
        session.add(row)
        await session.flush()
        for target in targets:
            later = now.replace(year=now.year + 1, day=1)
            await repository.insert(session, row.id, Stage.OPENED, Level.OPERATOR, target, at=later, now=now)
        return row.id


async def test_alerts_are_listed_by_incident_and_state(offline: Api) -> None:
    mine = await an_incident(offline, Target(Route.MAIL, "ops@example.com"), Target(Route.WEBHOOK, "operators"))
    found = (await offline.json("GET", f"/alerts?incident={mine}&route=mail&state=pending", 200))["items"]
    assert [(one["stage"], one["level"], one["target"]) for one in found] == [("opened", "operator", "ops@example.com")]
    assert len((await offline.json("GET", f"/alerts?incident={mine}", 200))["items"]) == 2
    assert (await offline.json("GET", "/alerts?state=sent", 200))["items"] == []
    await offline.json("GET", "/alerts?state=lost", 422)


async def test_a_test_tells_of_each_route_and_is_audited(served: Api, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(commands.send_test, as_json=True)
    found = json.loads(capsys.readouterr().out)
    # Prefect is down, so that the mail connection cannot be read.
    assert ended.value.code == 1
    assert [(one["route"], one["ok"]) for one in found["routes"]] == [("mail", False), ("in_app", True)]
    [note] = [one for one in (await served.json("GET", "/notifications", 200))["items"] if one["kind"] == "other"]
    assert note["severity"] == "info"
    [event] = (await served.json("GET", "/audit?entity_type=alerts", 200))["items"]
    assert event["detail"] == {"outcomes": {"mail": "failed", "in_app": "delivered"}}
