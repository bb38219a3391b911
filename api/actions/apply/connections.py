"""Read connections with their settings, which are in Prefect: a few at a time, and each fault for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prefect.blocks.core import Block

from mailroom.as_code import normal
from mailroom.as_code.plan import Key, Mark, Observed, digest
from mailroom.as_code.reading import Read
from mailroom.as_code.secrets.given import Resolved, resolve
from mailroom.as_code.secrets.places import STORED, put
from mailroom.as_code.spec import ConnectionDocument, Kind
from mailroom.connections import kept_secrets
from mailroom.connections import service as connections
from mailroom.connections.spec import ConnectionSettings
from mailroom.errors import Invalid
from mailroom.settings import Settings
from mailroom.storage.tables import Connection
from prefect_mailroom.errors import ConfigurationError

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Stored:
    """A connection and its block; None where Prefect has lost it, or where it fits its kind no longer."""

    row: Connection
    block: Block | None
    shown: dict[str, object]


async def stored(rows: Sequence[Connection], settings: Settings) -> list[Stored]:
    """Return connections with their settings.

    Raises:
        Unavailable: Prefect does not answer.
    """
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(row: Connection) -> Stored:
        async with turns:
            block = await connections.stored(row, settings)
            try:
                shown = await connections.shown(row, settings)
            except ConfigurationError:
                shown = {}
        return Stored(row, block, kept_secrets.only_set(shown, block) if block is not None else shown)

    return await asyncio.gather(*(one(row) for row in rows))


def shape_of(found: Stored, mark: Mark | None) -> normal.Normal:
    """Return a connection in normal form; a secret that is still missing counts as referred to. Pure."""
    row, shown = found.row, dict(found.shown)
    missing = set(mark.missing_secrets) if mark else set()
    empty = {place: STORED for place in _places(shown) if ".".join(map(str, place)) in missing}
    return normal.of_connection(row.kind, row.description, put(shown, empty))


def _places(shown: Mapping[str, object], place: kept_secrets.Place = ()) -> list[kept_secrets.Place]:
    found: list[kept_secrets.Place] = []
    for key, value in shown.items():
        if isinstance(value, Mapping):
            found += _places(value, (*place, key))
        elif value in (None, ""):
            found.append((*place, key))
    return found


def observe(
    found: Sequence[Stored],
    marks: Mapping[str, Mark],
    wanted: Mapping[str, Read],
    given: Mapping[str, Mapping[str, str]],
) -> tuple[dict[Key, Observed], dict[str, Resolved]]:
    """Return connections as they are there, and what REST takes for those that are wanted. Pure.

    One that would stay the same is observed as its document says, however that is written.
    """
    observed: dict[Key, Observed] = {}
    resolved: dict[str, Resolved] = {}
    by_name = {one.row.name: one for one in found}
    for name, read in wanted.items():
        document = read.document
        assert isinstance(document, ConnectionDocument), "only documents of connections are asked for"
        there = by_name.get(name)
        block = there.block if there else None
        resolved[name] = resolve(document.spec.settings, given.get(name, {}), block)
        if there is not None:
            mark = marks.get(name)
            same = _stays(document.spec, resolved[name], there)
            observed[Kind.CONNECTION, name] = Observed(
                Kind.CONNECTION,
                name,
                read.normal if same else shape_of(there, mark),
                connections.etag(there.row),
                digest_of(there.row),
                changed_secrets=resolved[name].changed,
                mark=mark,
            )
    return observed, resolved


def digest_of(row: Connection) -> str:
    """Return the digest of a connection as it is: another one whenever its settings were sent again. Pure."""
    return digest({"version": connections.etag(row)})


def _stays(spec: ConnectionSettings, resolved: Resolved, there: Stored) -> bool:
    """Tell whether a document leaves a connection as it is."""
    if there.block is None or spec.kind != there.row.kind or spec.description != there.row.description:
        return False
    try:
        block, _ = connections.with_kept_secrets(spec.model_copy(update={"settings": resolved.settings}), there.block)
    except Invalid:
        return False  # Said when it is applied.
    return kept_secrets.is_same(there.block, block)
