"""Kinds of connections: every channel, and every source of reports, by the kind that schedules and reports name."""

from __future__ import annotations

from prefect.blocks.core import Block

from mailroom.errors import Invalid
from prefect_mailroom.channels import registry
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.sources.http import HttpSource
from prefect_mailroom.sources.shell import ShellSource
from prefect_mailroom.sources.sql import SqlSource

SOURCES: dict[str, type[Block]] = {"sql": SqlSource, "http": HttpSource, "shell": ShellSource}


def kinds() -> list[str]:
    """Return every kind that a connection can be, channels first."""
    return [*registry.CHANNELS, *SOURCES]


def is_channel(kind: str) -> bool:
    """Tell whether connections of this kind deliver, rather than give data."""
    return kind in registry.CHANNELS


def block_types() -> dict[str, type[Block]]:
    """Return the block class of each kind whose client is installed. It loads them all."""
    channels = {kind: entry.load() for kind, entry in registry.CHANNELS.items() if entry.is_installed()}
    return {**channels, **SOURCES}


def block_type(kind: str) -> type[Block]:
    """Return the block class of a kind.

    Raises:
        Invalid: there is none, or its client is not installed.
    """
    if kind in SOURCES:
        return SOURCES[kind]
    if not is_channel(kind):
        raise Invalid.at(
            "kind", f"'{kind[:40]}' is not a known kind of connection.", (f"Use one of: {', '.join(kinds())}.")
        )
    try:
        return registry.channel_type(kind, field="kind")
    except ConfigurationError as error:
        raise Invalid.from_configuration(error) from error
