"""Make runs as the actions answer them, for tests of their pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale

from api.actions.artifacts.views import ArtifactView
from api.actions.executions.views import AttemptView, DeliveryView, ExecutionDetail
from api.web.when import When
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState

NOW = datetime(2026, 11, 23, 8, 10, tzinfo=UTC)
DUE = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
WHEN = When(ZoneInfo("America/New_York"), Locale.parse("en_GB"), True, NOW)


def run(status: ExecutionState = ExecutionState.SUCCESS, **changes: Any) -> ExecutionDetail:
    """Return a run of 09:00 in Berlin, ten minutes ago."""
    ended = status.ended
    values: dict[str, Any] = {
        "id": "e-1",
        "schedule_id": "s-1",
        "schedule_name": "Carrier punctuality, Mondays",
        "kind": ExecutionKind.SCHEDULED,
        "due_at": DUE,
        "status": status,
        "reason": "",
        "reason_code": None,
        "started_at": DUE + timedelta(seconds=2),
        "completed_at": DUE + timedelta(seconds=43) if ended else None,
        "took_seconds": 41.0 if ended else None,
        "delivered": 0,
        "total": 0,
        "error": None,
        "artifacts": [],
        "test_recipient": None,
        "links": {"prefect": "http://prefect/runs/1"},
        "owner": "u-1",
        "report_title": "Carrier punctuality",
        "timezone": "Europe/Berlin",
        "requested_at": DUE,
        "deliveries": [],
    }
    deliveries = changes.get("deliveries", [])
    values["total"] = len(deliveries)
    values["delivered"] = sum(one.status is DeliveryState.DELIVERED for one in deliveries)
    return ExecutionDetail(**{**values, **changes})


def delivery(recipient: str, status: DeliveryState = DeliveryState.DELIVERED, **changes: Any) -> DeliveryView:
    """Return a delivery by mail that was tried once."""
    at = DUE + timedelta(seconds=9)
    done = status is DeliveryState.DELIVERED
    tried = AttemptView(number=1, started_at=at, ended_at=at, outcome=status, error_message=None if done else "no")
    values: dict[str, Any] = {
        "id": f"d-{recipient}",
        "channel": "email",
        "connection": "corp-smtp",
        "recipient": recipient,
        "status": status,
        "delivered_at": at if done else None,
        "next_attempt_at": None,
        "receipt": None,
        "error_message": None if done else "mailbox full",
        "reason_code": None,
        "attempts": [] if status is DeliveryState.PENDING else [tried],
    }
    return DeliveryView(**{**values, **changes})


def file(name: str, expires_at: datetime) -> ArtifactView:
    """Return a file of a run."""
    return ArtifactView(
        id=f"a-{name}",
        filename=name,
        format=name.partition(".")[2],
        media_type="x/y",
        size=1200,
        rows=12,
        sha256="ab" * 32,
        expires_at=expires_at,
        download="",
    )
