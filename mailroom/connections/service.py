"""Connections: named Prefect blocks that hold credentials, and our row of name and kind beside each.

Secrets go to the block and never come back: what is read of a block shows that a secret is set, not what it is.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, get_args

from prefect.blocks.core import Block
from prefect.client.schemas.objects import BlockDocument
from prefect.exceptions import ObjectNotFound
from prefect.types import SecretDict
from pydantic import SecretStr, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.access.viewer import SYSTEM
from mailroom.audit import events
from mailroom.audit import repository as audit
from mailroom.audit.differences import differences
from mailroom.connections import blocks, kept_secrets, remembered
from mailroom.connections import repository as connection_repository
from mailroom.connections.breaker import service as breaker
from mailroom.connections.kinds import block_type, kinds
from mailroom.connections.repository import Change
from mailroom.connections.seen import uses
from mailroom.connections.spec import ConnectionSettings, NewConnection, build, screen
from mailroom.context import Context
from mailroom.errors import Conflict
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.tables import Connection
from mailroom.versions import check_etag, etag_of
from prefect_mailroom.errors import ConfigurationError

_BEING_MADE = timedelta(minutes=1)
"""For so long a connection that is not made may be under way: longer than its making can take."""
_HIDDEN = "********"  # What Prefect shows in place of a secret.


def etag_at(changed_at: datetime) -> str:
    """Return the version of a connection that was changed at this moment as an ETag. Pure."""
    return etag_of(f"{changed_at.astimezone(UTC):%Y%m%dT%H%M%S.%f}")


def etag(row: Connection) -> str:
    """Return the version of a connection as an ETag: another one whenever its settings were sent again."""
    return etag_at(row.updated_at)


async def reserve(session: AsyncSession, wanted: NewConnection, context: Context) -> Connection:
    """Store the row of a new connection, which takes its name; `make_block` comes next, then `record_created`.

    The caller commits in between: a database must not be kept waiting for Prefect.

    Raises:
        Conflict: the name is in use.
        Invalid: see `build`.
    """
    await _refuse_taken(session, wanted.name)  # Said before the faults of settings that are not wanted here.
    block = build(wanted.kind, wanted.settings)
    row = await connection_repository.insert(
        session,
        wanted.name,
        kind=wanted.kind,
        block_type_slug=block.get_block_type_slug(),
        description=wanted.description,
        has_secrets=bool(kept_secrets.secrets_of(block)),
        now=context.now,
    )
    if row is None:
        raise _taken(wanted.name)
    return row


async def _refuse_taken(session: AsyncSession, name: str) -> None:
    if await connection_repository.named(session, [name], viewer=SYSTEM):
        raise _taken(name)


def _taken(name: str) -> Conflict:
    remedy = "Choose another name, or change the existing connection with PUT."
    return Conflict(f"A connection named '{name}' already exists.", remedy=remedy)


async def record_created(session: AsyncSession, wanted: NewConnection, context: Context) -> None:
    """Write that a connection has its block, also into the audit trail.

    Raises:
        Conflict: it was deleted meanwhile.
    """
    if not await connection_repository.made(session, wanted.name):
        raise Conflict(f"The connection '{wanted.name}' was deleted while it was made.", remedy="Create it again.")
    audit.record_by(session, events.ConnectionCreated(wanted.name, wanted.kind, sorted(wanted.settings)), context)


async def create(session: AsyncSession, wanted: NewConnection, context: Context) -> Connection:
    """Store a connection of the system itself in one transaction; a block that an earlier start has left is replaced.

    The block comes first, and nothing is written before: a database must not be kept waiting for Prefect.

    Raises:
        Conflict, Invalid, Unavailable.
    """
    await _refuse_taken(session, wanted.name)
    await blocks.save(build(wanted.kind, wanted.settings), wanted.name, context.settings)
    row = await reserve(session, wanted, context)
    await record_created(session, wanted, context)
    return row


async def replace(
    database: Database, name: str, wanted: ConnectionSettings, context: Context, *, if_match: str | None = None
) -> Connection:
    """Store new settings, all of them. A secret that is sent as `{"secret": true}` stays, see `kept_secrets`.

    The row is marked as changed before its block is. So a creation under way that fails meanwhile leaves it alone, and
    a row without a block (its process died, or somebody removed the block in Prefect) gets a new one. Where the row was
    never made, a block of its name is somebody else's: it is not overwritten, and no secret of it is kept. No
    transaction is open while Prefect is waited for.

    Raises:
        NotFound, Unavailable.
        Invalid: the settings are wrong, or a stored secret is not kept.
        Conflict: another kind; Prefect has a block of the name of a connection that was never made; or `if_match` is
            stale.
    """

    async def mark(session: AsyncSession) -> None:
        row = await connection_repository.get(
            session, name, viewer=context.viewer, doing=Action.CONNECTION_CHANGE, lock=True
        )
        # Asked again: somebody may have changed it while Prefect was waited for.
        check_etag(etag(row), if_match, noun="connection")
        await connection_repository.mark_changing(session, name, now=context.now)

    async def finish(change: Change, changes: dict[str, Any], session: AsyncSession) -> Connection:
        # Later than the mark, so that nobody goes on with what was remembered between mark and block.
        later = context.now + timedelta(microseconds=1)
        row = await connection_repository.changed(session, name, change, now=later)
        event = events.ConnectionChanged(row.name, row.kind, sorted(wanted.settings), changes)
        audit.record_by(session, event, context)
        await breaker.changed(session, name, context)
        return row

    async def look(session: AsyncSession) -> Connection:
        row = await connection_repository.get(session, name, viewer=context.viewer)
        check_etag(etag(row), if_match, noun="connection")
        if wanted.kind != row.kind:
            message = f"The connection is of kind {row.kind}, which cannot be changed to {wanted.kind}."
            raise Conflict(message, remedy="Create a new connection, and use it where this one is used.")
        return row

    row = await database.transact(look)
    is_made = row.is_made
    old = await stored(row, context.settings) if is_made else None
    block, complete = with_kept_secrets(wanted, old)
    await screen(block)
    before = await _audited(database, name, context)
    await database.transact(mark)
    if is_made:
        await blocks.save(block, name, context.settings)
    else:
        await blocks.make_of(name, complete, context.settings)
    changes = differences(before, await _audited(database, name, context))
    return await database.transact(partial(finish, _change(wanted.description, old, complete), changes))


def with_kept_secrets(wanted: ConnectionSettings, old: Block | None) -> tuple[Block, ConnectionSettings]:
    """Return the block of settings in which stored secrets may stay, and the settings with these secrets.

    Args:
        old: the block as it is stored.

    Raises:
        Invalid: the settings are wrong, or a stored secret is not kept.
    """
    settings = kept_secrets.filled(wanted.settings, old)
    block = build(wanted.kind, settings)
    kept_secrets.refuse_moved(wanted.settings, old, block)
    return block, wanted.model_copy(update={"settings": settings})


def _change(description: str, old: Block | None, complete: ConnectionSettings) -> Change:
    new = build(complete.kind, complete.settings)  # A new one: saving marks a block.
    secrets = kept_secrets.secrets_of(new)
    is_other = old is None or secrets != kept_secrets.secrets_of(old)
    return Change(description, kept_secrets.is_same(old, new), bool(secrets), is_other)


async def stored(row: Connection, settings: Settings) -> Block | None:
    """Return the block of a connection with its secrets; None where it is missing or no longer fits its kind."""
    try:
        document = await _document(row, settings, include_secrets=True)
    except ConfigurationError:
        return None
    return kept_secrets.read(block_type(row.kind), document.data)


async def _audited(database: Database, name: str, context: Context) -> dict[str, Any]:
    """Return the settings of a connection for the audit trail, without secrets; none where its block is missing."""
    async with database.session() as session:
        row = await connection_repository.get(session, name, viewer=context.viewer)
    try:
        return await shown(row, context.settings)
    except ConfigurationError:
        return {}


async def delete(session: AsyncSession, name: str, context: Context, *, if_match: str | None = None) -> None:
    """Remove the row and the block.

    Raises:
        NotFound, Unavailable.
        Conflict: schedules or reports use it; `faults` names them. Or it is being made at this moment, or
            `if_match` is stale.
    """
    row = await connection_repository.get(session, name, viewer=context.viewer, doing=Action.CONNECTION_DELETE)
    check_etag(etag(row), if_match, noun="connection")
    if not row.is_made and context.now - row.updated_at < _BEING_MADE:
        # The block may appear right after we would have looked for it, and nobody would remove it.
        raise Conflict(f"The connection '{name}' is being made at this moment.", remedy="Try again in a minute.")
    used = await uses.of_connection(session, name, viewer=context.viewer)
    if used.count:
        raise Conflict(uses.refusal(name, used), remedy="Change or delete what uses it first.", faults=used.faults())
    # The block first: a database must not be kept waiting for Prefect.
    # Where it was never made, a block of its name is somebody else's.
    if row.is_made:
        async with blocks.prefect(context.settings) as client:
            try:
                document = await client.read_block_document_by_name(name, row.block_type_slug, include_secrets=False)
                await client.delete_block_document(document.id)
            except ObjectNotFound:
                pass  # Somebody removed it in Prefect: what is wanted is so already.
    audit.record_by(session, events.ConnectionDeleted(row.name, row.kind, []), context)
    await breaker.forget(session, row.name, context)
    await session.delete(row)


async def shown(row: Connection, settings: Settings) -> dict[str, Any]:
    """Return the settings of a connection, a secret as `{"secret": true}`.

    Raises:
        ConfigurationError: the block was removed in Prefect.
        Unavailable: Prefect does not answer.
    """
    document = await _document(row, settings, include_secrets=False)
    known = block_type(row.kind).model_fields if row.kind in kinds() else {}
    return {
        key: _hidden(value) if _is_secret(known[key].annotation) else _without_secrets(value)
        for key, value in document.data.items()
        if key in known
    }


def _is_secret(annotation: Any) -> bool:
    """Tell whether a setting holds secrets. Prefect hides a secret, but not every mapping or list of them."""
    return annotation in (SecretStr, SecretDict) or any(_is_secret(part) for part in get_args(annotation))


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _hidden(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    return None if value is None else {"secret": True}


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        # Prefect marks a block within a block by its type. It is no setting, and could not be sent back.
        return {key: _without_secrets(item) for key, item in value.items() if key != "block_type_slug"}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return {"secret": True} if value == _HIDDEN else value


async def load(row: Connection, settings: Settings) -> Block:
    """Return the connection's block with its secrets, for use in this process; never shown.

    Raises:
        ConfigurationError: the block was removed in Prefect, or no longer fits its type.
        Unavailable: Prefect does not answer.
    """
    return _block(row, await _document(row, settings, include_secrets=True))


def _block(row: Connection, document: BlockDocument) -> Block:
    block_class = block_type(row.kind)
    try:
        # Not `Block.load`: that tells the process's default Prefect of it, and starts one where none is set.
        return block_class.model_validate(document.data)
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, fault["loc"])) for fault in error.errors(include_input=False)}))
        message = f"The connection '{row.name}' has settings that are no longer valid: {fields}."
        raise ConfigurationError(
            message, remedy="Save the connection again with valid settings.", field="connection"
        ) from None


async def _document(row: Connection, settings: Settings, *, include_secrets: bool) -> BlockDocument:
    async with blocks.prefect(settings) as client:
        try:
            return await client.read_block_document_by_name(
                row.name, row.block_type_slug, include_secrets=include_secrets
            )
        except ObjectNotFound as error:
            message = f"The Prefect block of the connection '{row.name}' is missing."
            remedy = "Save the connection again with its settings."
            raise ConfigurationError(message, remedy=remedy, field="connection") from error


async def load_named(database: Database, settings: Settings, name: str, *, kind: str) -> Block:
    """Return the block of a connection that a schedule or report names, with its secrets, see `remembered`.

    Raises:
        NotFound: the connection was deleted.
        ConfigurationError: it is of another kind than the one that names it needs; and see `load`.
        Unavailable: Prefect does not answer.
    """
    async with database.session() as session:
        row = await connection_repository.get(session, name, viewer=SYSTEM)
    return await load_known(row, settings, kind=kind)


async def load_known(row: Connection, settings: Settings, *, kind: str) -> Block:
    """Return the block of a connection whose row has been read already; else the same as `load_named`."""
    _refuse_other_kind(row, kind)
    documents = remembered.of_process()
    return _block(row, await documents.get(row, lambda: _document(row, settings, include_secrets=True)))


async def load_at_hand(row: Connection, settings: Settings, *, kind: str) -> Block:
    """Return the same as `load_known`, and keep it at hand for when Prefect is silent, see `remembered`."""
    _refuse_other_kind(row, kind)
    documents = remembered.of_process()
    return _block(row, await documents.get_at_hand(row, lambda: _document(row, settings, include_secrets=True)))


def _refuse_other_kind(row: Connection, kind: str) -> None:
    if row.kind != kind:
        message = f"The connection '{row.name}' is of kind {row.kind}, but a connection of kind {kind} is needed here."
        raise ConfigurationError(message, remedy=f"Choose a connection of kind {kind}.", field="connection")
