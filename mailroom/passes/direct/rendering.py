"""Render the report of a direct run, by the renderers that schedules use, to files that live as long as the pass."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from prefect.blocks.core import Block

from mailroom.connections import service as connections
from mailroom.connections.kinds import block_type
from mailroom.passes.direct.order import Order
from mailroom.rendering import client
from mailroom.rendering.as_owner import identity_token
from mailroom.rendering.job import RenderResult
from mailroom.rendering.job_factory import limits_of, render_job
from mailroom.rendering.shell import run_shell
from mailroom.reports.spec import ShellSource
from mailroom.settings import Settings
from mailroom.storage.artifacts import check_space
from mailroom.storage.hosts.clock import local_time
from mailroom.storage.tables import Connection
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.sources.shell import ShellSource as ShellBlock


async def block_named(kind: str, name: str, settings: Settings, *, field: str) -> Block:
    """Return a Prefect block by the name of its document, with its secrets; nothing has to know it as a connection.

    Args:
        field: where the name stands.

    Raises:
        ConfigurationError: there is none of this kind, or it is no longer valid.
        Unavailable: Prefect does not answer.
    """
    slug = block_type(kind).get_block_type_slug()
    try:
        return await connections.load(Connection(name=name, kind=kind, block_type_slug=slug), settings)
    except ConfigurationError as error:
        # Whoever deploys knows blocks, and no connections of Mailroom.
        message = f"{field}: There is no valid Prefect block '{name}' of the type {slug}."
        remedy = f"Save one in Prefect's UI or by code, or name another one. {error.message}"
        raise ConfigurationError(message, remedy=remedy, field=field) from error


@asynccontextmanager
async def rendered(order: Order, settings: Settings, *, group: str) -> AsyncIterator[RenderResult]:
    """Render the report; its files are there while the context lasts.

    Args:
        group: whose turn at the renderers it uses up.

    Raises:
        ConfigurationError, SourceUnavailable, SourceRefused, RenderFailed, Unavailable: it cannot be rendered.
    """
    definition, sample = order.definition, order.sample
    of = definition.source
    source = await block_named(of.kind, of.connection, settings, field="source.connection of the report")
    # Refuses what is made for a user: there is none here.
    identity_token(definition, source, None, settings, now=local_time())
    with tempfile.TemporaryDirectory(prefix="mailroom-report-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        await asyncio.to_thread(check_space, folder, settings.min_free_mb)
        limits = limits_of(settings)
        if isinstance(definition.source, ShellSource):
            assert isinstance(source, ShellBlock), "block_named gives the class of the kind"
            yield await run_shell(source, definition.source, definition, sample.parameters, folder, limits)
            return
        job = render_job(
            definition,
            source,
            sample.parameters,
            order.formats,
            due_at=sample.due_at,
            timezone=sample.timezone,
            folder=folder,
            limits=limits,
        )
        yield await client.render(job, settings=settings, group=group)


def digest_of(result: RenderResult) -> str:
    """Return a digest of the files, by which a later pass sees that it has others. Pure."""
    return hashlib.sha256(" ".join(file.sha256 for file in result.files).encode()).hexdigest()
