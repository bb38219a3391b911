"""Kinds of connections: every channel, and every source of reports, by the kind that schedules and reports name."""

from __future__ import annotations

from prefect.blocks.core import Block

from mailroom.errors import Invalid
from prefect_mailroom.channels.registry import CHANNELS
from prefect_mailroom.sources.http import HttpSource
from prefect_mailroom.sources.shell import ShellSource
from prefect_mailroom.sources.sql import SqlSource

SOURCES: dict[str, type[Block]] = {"sql": SqlSource, "http": HttpSource, "shell": ShellSource}
KINDS: dict[str, type[Block]] = {**CHANNELS, **SOURCES}


def block_type(kind: str) -> type[Block]:
    """The block class of a kind.

    Raises:
        Invalid: there is none.
    """
    if kind not in KINDS:
        raise Invalid.at("kind", f"'{kind[:40]}' is not a kind of connection.", f"Use one of: {', '.join(KINDS)}.")
    return KINDS[kind]
