"""Say who may use a connection besides admins. Each function works in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.access.sharing import GrantedTo, audience_of, replace_subjects, subjects_kept
from mailroom.access.viewer import Viewer
from mailroom.audit import repository as audit
from mailroom.audit.member_events import ConnectionGranted
from mailroom.connections import repository as stored
from mailroom.context import Context
from mailroom.storage.model.access import ConnectionGrant


async def read(session: AsyncSession, name: str, context: Context) -> GrantedTo:
    """Return who may use a connection.

    Raises:
        NotFound, Forbidden.
    """
    row = await stored.get(session, name, viewer=context.viewer, doing=Action.CONNECTION_GRANT)
    return audience_of(await subjects_kept(session, ConnectionGrant, row.name))


async def replace(session: AsyncSession, name: str, wanted: GrantedTo, context: Context) -> GrantedTo:
    """Let these use a connection, and nobody else but admins. A schedule whose owner loses it sends no more through it.

    Raises:
        NotFound, Forbidden, Invalid.
    """
    row = await stored.get(session, name, viewer=context.viewer, doing=Action.CONNECTION_GRANT)
    before, after = await replace_subjects(session, ConnectionGrant, row.name, wanted, viewer=context.viewer)
    if after != before:
        audit.record_by(session, ConnectionGranted(row.name, [before, after]), context)
    return audience_of(after)


async def not_usable(session: AsyncSession, names: Collection[str], *, viewer: Viewer) -> list[str]:
    """Return those of these connections that the viewer may not use, sorted; ones that do not exist among them."""
    usable = await stored.named(session, list(names), viewer=viewer)
    return sorted(set(names) - usable.keys())
