"""Read the audit trail."""

from __future__ import annotations

from collections.abc import AsyncIterator

from api.actions.audit.views import AuditView
from api.actions.caller import Caller
from api.actions.view import PageView
from mailroom.audit import export as exported
from mailroom.audit import repository as audit
from mailroom.audit.repository import AuditFilter
from mailroom.storage.tables import AuditEvent


async def page(caller: Caller, *, wanted: AuditFilter, cursor: str | None, limit: int) -> PageView[AuditView]:
    """Return one page of what was done, newest first."""
    async with caller.session() as session:
        found = await audit.list_page(session, viewer=caller.viewer, wanted=wanted, cursor=cursor, limit=limit)
    items = [view_of(row, from_where=caller.viewer.sees_all) for row in found.items]
    return PageView(items=items, next_cursor=found.next_cursor)


def export(caller: Caller, *, wanted: AuditFilter) -> AsyncIterator[bytes]:
    """Yield the entries that match as lines of JSON, oldest first.

    Raises:
        Forbidden: the caller may not choose by an address.
    """
    wanted.require(caller.viewer)
    return exported.lines(caller.services.database, viewer=caller.viewer, wanted=wanted)


def view_of(row: AuditEvent, *, from_where: bool) -> AuditView:
    """Return an entry; `from_where` tells whether its reader may see where it was done from."""
    view = AuditView.model_validate(row)
    # Where others were when they did something is theirs, and the admins' who look into it.
    return view if from_where else view.model_copy(update={"address": None, "login": None})
