"""Find a kind of connection with the schema of its settings."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from api.actions.connections import actions as connections
from api.actions.connections.views import ConnectionKind
from mailroom.connections.kinds import kinds
from mailroom.errors import NotFound


@cache
def _described(_names: tuple[str, ...]) -> dict[str, ConnectionKind]:
    """Return the kinds of these names, made once for as long as there are no others."""
    return {one.kind: one for one in connections.kinds().items}


def _kinds() -> dict[str, ConnectionKind]:
    return _described(tuple(kinds()))


ABOUT: Mapping[str, str] = {
    "email": "Sends reports by mail, through your mail server.",
    "folder": "Puts files into a folder of this machine, or one that is mounted here.",
    "sftp": "Puts files on an SFTP server, such as a bank's or a partner's.",
    "ftp": "Puts files on an FTP server, encrypted by TLS where the server can.",
    "s3": "Puts files into a bucket of Amazon S3, or of another store that speaks S3, by a role or a key.",
    "azure": "Puts files into a container of Azure Blob Storage, by a managed identity, a signed token or a key.",
    "gcs": "Puts files into a bucket of Google Cloud Storage, by a workload identity or a key.",
    "webhook": "Posts facts and files to an address on the web, signed.",
    "command": "Hands files to a program on the worker's machine, which its operator has to allow.",
    "sql": "A SQLite or PostgreSQL database that reports read from and never write to.",
    "http": "Another product that exports CSV, JSON, XLSX or PDF at an address on the web.",
    "shell": "Programs on the worker's machine that make the files of a report.",
}
"""What each kind is for, the usual ones first; one that is not here has the description of its block."""


def every_kind() -> list[ConnectionKind]:
    """Return every kind that can be made here, the usual ones first."""
    found, order = _kinds(), list(ABOUT)
    return sorted(found.values(), key=lambda one: order.index(one.kind) if one.kind in ABOUT else len(order))


def about(kind: ConnectionKind) -> str:
    """Return what a kind is for."""
    return ABOUT.get(kind.kind, kind.description)


def kind_of(name: str) -> ConnectionKind:
    """Return a kind.

    Raises:
        NotFound: there is none of that name here.
    """
    found = _kinds().get(name)
    if found is None:
        raise NotFound(f"There is no kind of connection '{name[:40]}'.", remedy="Choose another.")
    return found
