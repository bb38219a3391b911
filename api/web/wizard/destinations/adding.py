"""Ask for the channel and the connection of a new destination. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from api.actions.connections.views import ConnectionView
from api.web.parts import Field, Link, Option
from api.web.words import kind_icon, kind_words
from prefect_mailroom.channels.registry import CHANNELS

_ORDER = ("email", "folder", "sftp", "ftp", "s3", "azure", "gcs", "webhook", "command")
_DOES = {
    "email": "A mail to people, with the report in it and its files.",
    "folder": "Files in a folder of this machine or a share.",
    "sftp": "Files on a server by SFTP.",
    "ftp": "Files on a server by FTP or FTPS.",
    "s3": "Files in a bucket of Amazon S3, or of another store that speaks S3.",
    "azure": "Files in a container of Azure Blob Storage.",
    "gcs": "Files in a bucket of Google Cloud Storage.",
    "webhook": "A signed request to another program.",
    "command": "A program of the worker's machine gets the files.",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A channel with its connections.

    Attributes:
        connection: a select of several, hidden for one, None where there is none.
        none: what to do where there is none, with a link for those who may make one.
    """

    channel: str
    words: str
    does: str
    icon: str
    chosen: bool
    connection: Field | None
    only: str = ""
    none: str = ""
    link: Link | None = None


def choices(connections: Sequence[ConnectionView], chosen: str, *, may_make: bool) -> tuple[Choice, ...]:
    """Return the channels, those that have a connection first.

    Args:
        chosen: the channel that was sent; may be empty.
        may_make: whether the visitor may make connections.
    """
    known = [*(one for one in _ORDER if one in CHANNELS), *(one for one in CHANNELS if one not in _ORDER)]
    found = [_choice(channel, connections, may_make=may_make) for channel in known]
    found.sort(key=lambda one: one.connection is None)
    usable = [one.channel for one in found if one.connection is not None]
    chosen = chosen if chosen in CHANNELS else next(iter(usable), "")
    return tuple(replace(one, chosen=one.channel == chosen) for one in found)


def _choice(channel: str, connections: Sequence[ConnectionView], *, may_make: bool) -> Choice:
    there = [one for one in connections if one.kind == channel]
    words = kind_words(channel)
    base = Choice(channel, words, _DOES.get(channel, ""), kind_icon(channel), False, None)
    if not there:
        none = "There is no connection of this kind yet that you may use."
        if may_make:
            return replace(base, none=none, link=Link(f"/connections/new?kind={channel}", "Make one"))
        return replace(base, none=f"{none} An admin can make one, or let you use one.")
    field = Field(
        f"connection-{channel}",
        "Connection",
        "select" if len(there) > 1 else "hidden",
        there[0].name,
        tuple(Option(one.name, one.name) for one in there),
    )
    return replace(base, connection=field, only=there[0].name if len(there) == 1 else "")
