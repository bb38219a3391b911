"""Tell as whom connections send, such as the sender of mails. It takes one question to Prefect for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from prefect.client.schemas.objects import BlockDocument

from mailroom.connections import blocks
from mailroom.connections.kinds import block_type, is_channel
from mailroom.errors import Invalid, Unavailable
from mailroom.settings import Settings
from mailroom.storage.tables import Connection
from prefect_mailroom.channels.base import Channel

SECONDS = 1.0
"""A list does not wait longer for Prefect: it is shown without the senders then."""
_MOST = 200
"""So many documents Prefect gives at once."""


async def of_connections(rows: Sequence[Connection], settings: Settings) -> dict[str, str] | None:
    """Return as whom each of these sends, by name, where that can be said; None where Prefect does not answer."""
    wanted = {row.name: row.block_type_slug for row in rows if is_channel(row.kind) and row.is_made}
    found: list[BlockDocument] = []
    try:
        async with blocks.prefect(settings, seconds=SECONDS) as client:
            names = sorted(wanted)
            for start in range(0, len(names), _MOST):
                asked = {"name": {"any_": names[start : start + _MOST]}}
                body = {"block_documents": asked, "include_secrets": False, "limit": _MOST}
                answer = await client.request("POST", "/block_documents/filter", json=body)
                found += [BlockDocument.model_validate(one) for one in answer.json()]
    except Unavailable:
        return None
    return senders(rows, ((one.name or "", one.block_type.slug if one.block_type else "", one.data) for one in found))


def senders(rows: Iterable[Connection], documents: Iterable[tuple[str, str, Mapping[str, object]]]) -> dict[str, str]:
    """Return as whom these connections send, by name; a document is a name, the slug of its type and settings. Pure."""
    kinds = {(row.name, row.block_type_slug): row.kind for row in rows}
    found = {}
    for name, slug, settings in documents:
        if said := sender(kinds.get((name, slug), ""), settings):
            found[name] = said
    return found


def sender(kind: str, settings: Mapping[str, object]) -> str:
    """Return as whom a connection of this kind sends; empty where there is nothing to say. Pure."""
    if not is_channel(kind):
        return ""
    try:
        channel = block_type(kind)
    except Invalid:  # Its client is not installed here.
        return ""
    return channel.sends_as(settings) if issubclass(channel, Channel) else ""
