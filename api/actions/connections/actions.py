"""Look at connections and change them. Credentials go in and never come out."""

from __future__ import annotations

from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller, Remember, forget
from api.actions.connections.views import (
    BreakerView,
    CheckView,
    ConnectionDetail,
    ConnectionKind,
    ConnectionView,
    StepView,
    UsesView,
)
from api.actions.view import PageView
from mailroom.access.permissions import Action
from mailroom.audit import repository as audit
from mailroom.audit.delivery_events import CredentialUsed
from mailroom.connections import blocks, checks, choosing, kept_secrets
from mailroom.connections import repository as connection_repository
from mailroom.connections import service as connections
from mailroom.connections.breaker import service as breaker
from mailroom.connections.checks import Checked
from mailroom.connections.kinds import block_types, is_channel
from mailroom.connections.seen import senders
from mailroom.connections.seen import uses as uses_of
from mailroom.connections.spec import ConnectionSettings, NewConnection
from mailroom.context import Context
from mailroom.errors import Conflict
from mailroom.limits import service as limits
from mailroom.limits.spec import Budget
from mailroom.storage.tables import Connection
from prefect_mailroom.errors import ConfigurationError


async def every(caller: Caller, *, with_uses: bool = False, with_senders: bool = False) -> PageView[ConnectionView]:
    """Return every connection by name, without settings; with how many use each, and as whom it sends, if wanted."""
    async with caller.session() as session:
        rows = await connection_repository.every(session, viewer=caller.viewer)
        counts = await uses_of.counts(session) if with_uses else None
        views = await _with_breakers(session, [_view(row) for row in rows], caller.context)
    if counts is not None:
        views = [view.model_copy(update={"used_by": counts.get(view.name, 0)}) for view in views]
    # Nobody waits for a Prefect that is known to be away.
    asks = with_senders and caller.services.reconciler.silent_since is None
    said = await senders.of_connections(rows, caller.context.settings) if asks else None
    if said is not None:
        views = [view.model_copy(update={"sends_as": said.get(view.name, "")}) for view in views]
    return PageView(items=views)


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
                choices=sorted(choosing.fields_of(kind)),
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
        (view,) = await _with_breakers(session, [_view(row)], caller.context)
    shown = await connections.shown(row, caller.context.settings)
    view = view.model_copy(update={"sends_as": senders.sender(view.kind, shown)})
    return ConnectionDetail(**view.model_dump(), settings=shown)


async def read_to_change(caller: Caller, name: str) -> ConnectionDetail:
    """Return one connection as `read` does, with the marks of those secrets alone that hold anything.

    Raises:
        NotFound, Forbidden, ConfigurationError, Unavailable.
    """
    detail = await read(caller, name)
    async with caller.session() as session:
        row = await connection_repository.get(session, name, viewer=caller.viewer, doing=Action.CONNECTION_READ)
    block = await connections.stored(row, caller.context.settings)
    if block is None:
        return detail
    return detail.model_copy(update={"settings": kept_secrets.only_set(detail.settings, block)})


async def read_or_bare(caller: Caller, name: str) -> ConnectionDetail:
    """Return one connection to be changed, without settings where Prefect has lost them: they can be set again.

    Raises:
        NotFound, Forbidden, Unavailable.
    """
    try:
        return await read_to_change(caller, name)
    except ConfigurationError:
        return ConnectionDetail(**(await brief(caller, name)).model_dump(), settings={})


async def brief(caller: Caller, name: str) -> ConnectionView:
    """Return one connection without its settings, for whoever may use it; Prefect is not asked.

    Raises:
        NotFound.
    """
    async with caller.session() as session:
        row = await connection_repository.get(session, name, viewer=caller.viewer)
        (view,) = await _with_breakers(session, [_view(row)], caller.context)
    return view


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
    view = _view(row)

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


async def replace(
    caller: Caller, name: str, wanted: ConnectionSettings, *, if_match: str | None = None
) -> ConnectionView:
    """Replace all settings of a connection; a secret sent as it is shown stays, unless it would go elsewhere.

    Raises:
        NotFound, Conflict, Invalid, Unavailable.
    """
    return _view(await connections.replace(caller.services.database, name, wanted, caller.context, if_match=if_match))


async def delete(caller: Caller, name: str, *, if_match: str | None = None) -> None:
    """Delete a connection that no schedule or report uses, with its block.

    Raises:
        NotFound, Conflict, Unavailable.
    """
    async with caller.session() as session:
        await connections.delete(session, name, caller.context, if_match=if_match)


async def enable(caller: Caller, name: str) -> ConnectionView:
    """Let deliveries go through a connection again whose breaker is open or that was disabled.

    Raises:
        NotFound, Forbidden.
    """
    context = caller.context

    async def change(session: AsyncSession) -> ConnectionView:
        await breaker.enable(session, name, context)
        row = await connection_repository.get(session, name, viewer=caller.viewer)
        (view,) = await _with_breakers(session, [_view(row)], context)
        return view

    return await caller.transact(change)


def _view(row: Connection) -> ConnectionView:
    shown = {name: getattr(row, name) for name in ConnectionView.model_fields if hasattr(row, name)}
    return ConnectionView(**shown, etag=connections.etag(row))


async def _with_breakers(session: AsyncSession, views: list[ConnectionView], context: Context) -> list[ConnectionView]:
    """Return the views with the breakers of those that deliver."""
    names = [view.name for view in views if is_channel(view.kind)]
    shown = await breaker.shown(session, names, now=context.now)
    found = {name: BreakerView.model_validate(one) for name, one in shown.items()}
    return [view.model_copy(update={"breaker": found.get(view.name)}) for view in views]


async def uses(caller: Caller, name: str) -> UsesView:
    """Return the schedules and reports that use a connection: named as far as the caller may see them, else counted.

    Raises:
        NotFound, Forbidden.
    """
    async with caller.session() as session:
        row = await connection_repository.get(session, name, viewer=caller.viewer, doing=Action.CONNECTION_USES)
        return UsesView.model_validate(await uses_of.of_connection(session, row.name, viewer=caller.viewer))


async def check(caller: Caller, name: str, *, seconds: float = checks.CHECK_SECONDS) -> CheckView:
    """Check whether the connection works, by asking its server; nothing is delivered. The result is kept.

    Args:
        seconds: how long its server may take.

    Raises:
        CheckFailed: what is wrong, in the words of the channel or source, with the steps that were tried.
        NotFound, Forbidden, Unavailable.
        TooOften: the caller has tested as often within the hour as a user may.
    """
    context = caller.context

    async def begin(session: AsyncSession) -> Connection:
        row = await connection_repository.get(session, name, viewer=caller.viewer, doing=Action.CONNECTION_CHECK)
        await limits.spend(session, context, Budget.TESTS)
        audit.record_by(session, CredentialUsed(row.name, "check", context.user.email), context)
        return row

    row = await caller.transact(begin)
    checked = await checks.of_connection(row, context.settings, seconds)
    await caller.transact(partial(checks.record, row, checked, context))
    return check_view(checked)


def check_view(checked: Checked) -> CheckView:
    """Return what is answered of a check that found no fault.

    Raises:
        CheckFailed: it found one.
    """
    checked.require()
    return CheckView(ok=True, message=checked.message, steps=[StepView.model_validate(one) for one in checked.steps])
