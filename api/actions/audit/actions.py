"""Read the audit trail."""

from __future__ import annotations

from api.actions.audit.views import AuditView
from api.actions.caller import Caller
from api.actions.view import PageView
from mailroom.audit import repository as audit


async def page(
    caller: Caller, *, entity_type: str | None, entity_id: str | None, cursor: str | None, limit: int
) -> PageView[AuditView]:
    """Return one page of what was changed, newest first."""
    async with caller.session() as session:
        found = await audit.list_page(
            session,
            viewer=caller.viewer,
            cursor=cursor,
            limit=limit,
            entity_type=entity_type,
            entity_id=entity_id,
        )
    return PageView(items=[AuditView.model_validate(row) for row in found.items], next_cursor=found.next_cursor)
