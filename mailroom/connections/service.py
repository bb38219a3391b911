"""Connections: named Prefect blocks that hold credentials, and our row of name and kind beside each.

Secrets go to the block and never come back: what is read of a block shows that a secret is set, not what it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, get_args

import httpx
from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import BlockDocument
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, PrefectHTTPStatusError
from pydantic import SecretStr, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.access.viewer import SYSTEM
from mailroom.audit import events
from mailroom.audit import repository as audit
from mailroom.connections import remembered, uses
from mailroom.connections import repository as connection_repository
from mailroom.connections.kinds import block_type, kinds
from mailroom.connections.spec import ConnectionSettings, NewConnection, build, screen
from mailroom.context import Context
from mailroom.errors import Conflict, Unavailable
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.tables import Connection
from prefect_mailroom.errors import ConfigurationError

PREFECT_SECONDS = 15.0
CHECK_SECONDS = 30.0
_HIDDEN = "********"  # What Prefect shows in place of a secret.


@asynccontextmanager
async def _prefect(settings: Settings, seconds: float = PREFECT_SECONDS) -> AsyncIterator[PrefectClient]:
    """Open a client of our Prefect, limited in time; no answer becomes `Unavailable`.

    The address is given, never looked up: without one, Prefect's own helpers would start a server of their own.
    """
    remedy = "Try again when Prefect is back. Nothing was changed."
    try:
        async with asyncio.timeout(seconds):
            limits = httpx.Timeout(seconds, connect=2.0)
            async with PrefectClient(settings.prefect_api, httpx_settings={"timeout": limits}) as client:
                yield client
    except PrefectHTTPStatusError as error:
        message = f"Prefect did not accept the connection. It answered HTTP {error.response.status_code}."
        raise Unavailable(message, remedy=remedy) from error
    except (httpx.TransportError, OSError, TimeoutError) as error:
        message = f"Prefect does not answer ({type(error).__name__}), and connections are stored there."
        raise Unavailable(message, remedy=remedy) from error


async def reserve(session: AsyncSession, wanted: NewConnection, context: Context) -> Connection:
    """Store the row of a new connection, which takes its name; `make_block` comes next, then `record_created`.

    The caller commits in between: a database must not be kept waiting for Prefect.

    Raises:
        Conflict: the name is in use.
        Invalid: see `build`.
    """
    await _refuse_taken(session, wanted.name)  # Said before the faults of settings that are not wanted here.
    row = await connection_repository.insert(
        session,
        wanted.name,
        kind=wanted.kind,
        block_type_slug=build(wanted.kind, wanted.settings).get_block_type_slug(),
        description=wanted.description,
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


async def make_block(wanted: NewConnection, settings: Settings) -> None:
    """Make the block of a connection whose row is there. A block that is there already is never overwritten.

    One with the same settings is taken: a creation whose answer from Prefect was lost has left it.

    Raises:
        Invalid: its target may never be reached.
        Conflict: Prefect has another block of this name.
        Unavailable: Prefect does not answer.
    """
    block = build(wanted.kind, wanted.settings)
    slug = block.get_block_type_slug()
    await screen(block)
    async with _prefect(settings) as client:
        try:
            await block.asave(wanted.name, overwrite=False, client=client)
        except ValueError as error:
            if not isinstance(error.__cause__, ObjectAlreadyExists):
                raise
            document = await client.read_block_document_by_name(wanted.name, slug, include_secrets=True)
            if not _is_of(document, build(wanted.kind, wanted.settings)):  # A new one: saving marks a block.
                message = f"Prefect has a block '{wanted.name}' of the type {slug} that is not a connection of ours."
                remedy = "Choose another name, or delete that block in Prefect."
                raise Conflict(message, remedy=remedy) from None


def _is_of(document: BlockDocument, block: Block) -> bool:
    """Tell whether a stored block has exactly the settings of this one, secrets included."""
    try:
        return type(block).model_validate(document.data).model_dump() == block.model_dump()
    except (ValidationError, ConfigurationError):
        return False


def record_created(session: AsyncSession, wanted: NewConnection, context: Context) -> None:
    """Write into the audit trail that a connection has its row and its block."""
    audit.record_by(session, events.ConnectionCreated(wanted.name, wanted.kind, sorted(wanted.settings)), context)


async def create(session: AsyncSession, wanted: NewConnection, context: Context) -> Connection:
    """Store a connection of the system itself in one transaction; a block that an earlier start has left is replaced.

    The block comes first, and nothing is written before: a database must not be kept waiting for Prefect.

    Raises:
        Conflict, Invalid, Unavailable.
    """
    await _refuse_taken(session, wanted.name)
    await _save_block(build(wanted.kind, wanted.settings), wanted.name, context.settings)
    row = await reserve(session, wanted, context)
    record_created(session, wanted, context)
    return row


async def replace(database: Database, name: str, wanted: ConnectionSettings, context: Context) -> Connection:
    """Store new settings, all of them: a stored secret is never taken over, so it cannot be sent to a new host.

    The row is marked as changed before its block is. So a creation under way that fails meanwhile leaves it alone, and
    a row without a block (its process died, or somebody removed the block in Prefect) gets a new one. No transaction is
    open while Prefect is waited for.

    Raises:
        NotFound, Invalid, Unavailable.
        Conflict: another kind.
    """

    async def mark(session: AsyncSession) -> None:
        await connection_repository.get(session, name, viewer=context.viewer, doing=Action.CONNECTION_CHANGE)
        await connection_repository.change(session, name, now=context.now)

    async def finish(session: AsyncSession) -> Connection:
        # Later than the mark, so that nobody goes on with what was remembered between mark and block.
        later = context.now + timedelta(microseconds=1)
        row = await connection_repository.change(session, name, now=later, description=wanted.description)
        audit.record_by(session, events.ConnectionChanged(row.name, row.kind, sorted(wanted.settings)), context)
        return row

    async def look(session: AsyncSession) -> None:
        row = await connection_repository.get(session, name, viewer=context.viewer)
        if wanted.kind != row.kind:
            message = f"The connection is of kind {row.kind}, which cannot be changed to {wanted.kind}."
            raise Conflict(message, remedy="Create a new connection, and use it where this one is used.")

    await database.transact(look)
    block = build(wanted.kind, wanted.settings)
    await screen(block)
    await database.transact(mark)
    await _save_block(block, name, context.settings)
    return await database.transact(finish)


async def delete(session: AsyncSession, name: str, context: Context) -> None:
    """Remove the row and the block.

    Raises:
        NotFound, Unavailable.
        Conflict: schedules or reports use it; some are named.
    """
    row = await connection_repository.get(session, name, viewer=context.viewer, doing=Action.CONNECTION_DELETE)
    schedules, reports = await uses.of_connection(session, name)
    if schedules or reports:
        users = [f"schedule '{used}'" for used in schedules] + [f"report '{used}'" for used in reports]
        message = f"The connection '{name}' is used by {', '.join(users[:5])}{' and more' if len(users) > 5 else ''}."
        raise Conflict(message, remedy="Change or delete what uses it first.")
    # The block first: a database must not be kept waiting for Prefect.
    async with _prefect(context.settings) as client:
        try:
            document = await client.read_block_document_by_name(name, row.block_type_slug, include_secrets=False)
            await client.delete_block_document(document.id)
        except ObjectNotFound:
            pass  # Somebody removed it in Prefect: what is wanted is so already.
    audit.record_by(session, events.ConnectionDeleted(row.name, row.kind, []), context)
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
    """Tell whether a setting holds secrets. Prefect hides a secret, but not a mapping or a list of them."""
    return annotation is SecretStr or any(_is_secret(part) for part in get_args(annotation))


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _hidden(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    return None if value is None else {"secret": True}


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_secrets(item) for key, item in value.items()}
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
    async with _prefect(settings) as client:
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
    if row.kind != kind:
        message = f"The connection '{row.name}' is of kind {row.kind}, but a connection of kind {kind} is needed here."
        raise ConfigurationError(message, remedy=f"Choose a connection of kind {kind}.", field="connection")
    documents = remembered.of_process()
    return _block(row, await documents.get(row, lambda: _document(row, settings, include_secrets=True)))


async def check(row: Connection, settings: Settings) -> str:
    """Ask the far side whether the connection works; returns one line about it.

    Raises:
        ConfigurationError, RetryLater, SourceUnavailable, …: what the block says is wrong.
        Unavailable: no answer in time, from Prefect or from the far side.
    """
    block = await load(row, settings)
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return str(await block.check())  # type: ignore[attr-defined]  # every kind of the registry has it; a test looks
    except TimeoutError as error:
        message = f"The server behind the connection '{row.name}' did not answer within {CHECK_SECONDS:g} s."
        raise Unavailable(message, remedy="Check the address and port in the connection.") from error


async def _save_block(block: Block, name: str, settings: Settings) -> None:
    async with _prefect(settings) as client:
        await block.asave(name, overwrite=True, client=client)
