"""Make, save and remove the Prefect blocks behind connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import httpx
from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import BlockDocument
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_API_AUTH_STRING
from pydantic import ValidationError

from mailroom.connections.spec import ConnectionSettings, NewConnection, build, screen
from mailroom.errors import Conflict, Unavailable
from mailroom.settings import Settings
from prefect_mailroom.errors import ConfigurationError

PREFECT_SECONDS = 15.0


@asynccontextmanager
async def prefect(settings: Settings, seconds: float = PREFECT_SECONDS) -> AsyncIterator[PrefectClient]:
    """Open a client of our Prefect, limited in time; no answer becomes `Unavailable`.

    The address is given, never looked up: without one, Prefect's own helpers would start a server of their own.
    """
    remedy = "Try again when Prefect is back. Nothing was changed."
    try:
        async with asyncio.timeout(seconds):
            limits = httpx.Timeout(seconds, connect=2.0)
            async with PrefectClient(
                settings.prefect_api, auth_string=PREFECT_API_AUTH_STRING.value(), httpx_settings={"timeout": limits}
            ) as client:
                yield client
    except PrefectHTTPStatusError as error:
        message = f"Prefect did not accept the connection. It answered HTTP {error.response.status_code}."
        raise Unavailable(message, remedy=remedy) from error
    except (httpx.TransportError, OSError, TimeoutError) as error:
        message = f"Prefect does not answer ({type(error).__name__}), and connections are stored there."
        raise Unavailable(message, remedy=remedy) from error


async def make(wanted: NewConnection, settings: Settings) -> UUID | None:
    """Make the block of a connection whose row is there. A block that is there already is never overwritten.

    One with the same settings is taken: a creation whose answer from Prefect was lost has left it. Return the id of the
    block that was made here, None where one was taken.

    Raises:
        Invalid: its target may never be reached.
        Conflict: Prefect has another block of this name.
        Unavailable: Prefect does not answer.
    """
    await screen(build(wanted.kind, wanted.settings))
    return await make_of(wanted.name, wanted, settings)


async def make_of(name: str, wanted: ConnectionSettings, settings: Settings) -> UUID | None:
    block = build(wanted.kind, wanted.settings)
    slug = block.get_block_type_slug()
    async with prefect(settings) as client:
        try:
            return await block.asave(name, overwrite=False, client=client)
        except ValueError as error:
            if not isinstance(error.__cause__, ObjectAlreadyExists):
                raise
            document = await client.read_block_document_by_name(name, slug, include_secrets=True)
            if _is_of(document, build(wanted.kind, wanted.settings)):  # A new one: saving marks a block.
                return None
            message = f"Prefect has a block '{name}' of the type {slug} that is not a connection of ours."
            remedy = "Choose another name, or delete that block in Prefect."
            raise Conflict(message, remedy=remedy) from None


async def remove(block_id: UUID, settings: Settings) -> None:
    """Remove a block that was made for a connection which is gone.

    Raises:
        Unavailable: Prefect does not answer.
    """
    async with prefect(settings) as client:
        with suppress(ObjectNotFound):
            await client.delete_block_document(block_id)


def _is_of(document: BlockDocument, block: Block) -> bool:
    """Tell whether a stored block has exactly the settings of this one, secrets included."""
    try:
        return type(block).model_validate(document.data).model_dump() == block.model_dump()
    except (ValidationError, ConfigurationError):
        return False


async def save(block: Block, name: str, settings: Settings) -> None:
    async with prefect(settings) as client:
        await block.asave(name, overwrite=True, client=client)
