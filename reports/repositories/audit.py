"""The audit trail: written in the transaction of the change it tells of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from reports.tables import AuditEvent


def record(
    session: AsyncSession,
    *,
    at: datetime,
    actor: str,
    action: str,
    entity_type: str,
    entity_id: str,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add an event. `action` is a verb such as `created`; `detail` is JSON-ready and holds no secret."""
    session.add(
        AuditEvent(at=at, actor=actor, action=action, entity_type=entity_type, entity_id=entity_id, detail=detail or {})
    )
