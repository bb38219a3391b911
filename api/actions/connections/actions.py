"""Look at connections and change them. Credentials go in and never come out."""

from __future__ import annotations

from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller, Remember, forget
from api.actions.connections.views import BreakerView, CheckView, ConnectionDetail, ConnectionKind, ConnectionView
from api.actions.view import PageView
from mailroom.access.permissions import Action
from mailroom.audit import repository as audit
from mailroom.audit.delivery_events import CredentialUsed
from mailroom.connections import blocks
from mailroom.connections import repository as connection_repository
from mailroom.connections import service as connections
from mailroom.connections.breaker import service as breaker
from mailroom.connections.kinds import block_types, is_channel
from mailroom.connections.spec import ConnectionSettings, NewConnection
from mailroom.context import Context
from mailroom.errors import Conflict


async def every(caller: Caller) -> PageView[ConnectionView]:
    """Return every connection by name, without settings."""
    async with caller.session() as session:
        rows = await connection_repository.every(session, viewer=caller.viewer)
        items = await _with_breakers(session, [ConnectionView.model_validate(row) for row in rows], caller.context)
    return PageView(items=items)


def kinds() -> PageView[ConnectionKind]:
    """Return the kinds of connections, each with the JSON Schema of its settings."""
    return PageView(
        items=[
            ConnectionKind(
                kind=kind,
                title=block.get_block_type_name(),
                description=block.get_description() or "",
                use="channel" if is_channel(kind) else "source",
                settings=block.model_json_schema(),
            )
            for kind, block in block_types().items()
        ]
    )


async def read(caller: Caller, name: str) -> ConnectionDetail:
    """Return one connection; of a secret only that it is set.

    Raises:
        NotFound, ConfigurationError, Unavailable.
    """
    async with caller.session() as session:
        row = await connection_repository.get(session, name, viewer=caller.viewer, doing=Action.CONNECTION_READ)
        (view,) = await _with_breakers(session, [ConnectionView.model_validate(row)], caller.context)
    shown = await connections.shown(row, caller.context.settings)
    return ConnectionDetail(**view.model_dump(), settings=shown)


async def create(caller: Caller, wanted: NewConnection, remember: Remember[ConnectionView] = forget) -> ConnectionView:
    """Store a connection: its settings as an encrypted Prefect block, its name and kind in our tables.

    Raises:
        Conflict, Invalid, Unavailable.
    """
    context = caller.context
    row = await caller.transact(lambda session: connections.reserve(session, wanted, context))
    try:
        block_id = await blocks.make(wanted, context.settings)
    except BaseException:
        # Also where the caller has gone away: the name must not stay taken by a connection without settings.
        await caller.transact(
            lambda session: connection_repository.give_back(session, row.name, inserted_at=context.now)
        )
        raise
    view = ConnectionView.model_validate(row)

    async def change(session: AsyncSession) -> None:
        await connections.record_created(session, wanted, context)
        await remember(session, view)

    try:
        await caller.transact(change)
    except Conflict:
        if block_id is not None:
            await blocks.remove(block_id, context.settings)
        raise
    return view


async def replace(caller: Caller, name: str, wanted: ConnectionSettings) -> ConnectionView:
    """Replace all settings of a connection; a stored secret is never taken over.

    Raises:
        NotFound, Conflict, Invalid, Unavailable.
    """
    return ConnectionView.model_validate(
        await connections.replace(caller.services.database, name, wanted, caller.context)
    )


async def delete(caller: Caller, name: str) -> None:
    """Delete a connection that no schedule or report uses, with its block.

    Raises:
        NotFound, Conflict, Unavailable.
    """
    async with caller.session() as session:
        await connections.delete(session, name, caller.context)


async def enable(caller: Caller, name: str) -> ConnectionView:
    """Let deliveries go through a connection again whose breaker is open or that was disabled.

    Raises:
        NotFound, Forbidden.
    """
    context = caller.context

    async def change(session: AsyncSession) -> ConnectionView:
        await breaker.enable(session, name, context)
        row = await connection_repository.get(session, name, viewer=caller.viewer)
        (view,) = await _with_breakers(session, [ConnectionView.model_validate(row)], context)
        return view

    return await caller.transact(change)


async def _with_breakers(session: AsyncSession, views: list[ConnectionView], context: Context) -> list[ConnectionView]:
    """Return the views with the breakers of those that deliver."""
    names = [view.name for view in views if is_channel(view.kind)]
    shown = await breaker.shown(session, names, now=context.now)
    found = {name: BreakerView.model_validate(one) for name, one in shown.items()}
    return [view.model_copy(update={"breaker": found.get(view.name)}) for view in views]


async def check(caller: Caller, name: str) -> CheckView:
    """Check whether the connection works, by asking its server; nothing is delivered.

    Raises:
        MailroomError: what is wrong, in the words of the channel or source.
    """
    async with caller.session() as session:
        row = await connection_repository.get(session, name, viewer=caller.viewer, doing=Action.CONNECTION_CHECK)
    await caller.transact(partial(_record_check, row.name, caller.context))
    return CheckView(ok=True, message=await connections.check(row, caller.context.settings))


async def _record_check(name: str, context: Context, session: AsyncSession) -> None:
    audit.record_by(session, CredentialUsed(name, "check", context.user.email), context)
