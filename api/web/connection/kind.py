"""Find a kind of connection with the schema of its settings."""

from __future__ import annotations

from functools import cache

from api.actions.connections import actions as connections
from api.actions.connections.views import ConnectionKind
from mailroom.errors import NotFound


@cache
def _kinds() -> dict[str, ConnectionKind]:
    return {one.kind: one for one in connections.kinds().items}


def every_kind() -> list[ConnectionKind]:
    """Return every kind that can be made here, those that deliver first."""
    return list(_kinds().values())


def kind_of(name: str) -> ConnectionKind:
    """Return a kind.

    Raises:
        NotFound: there is none of that name here.
    """
    found = _kinds().get(name)
    if found is None:
        raise NotFound(f"There is no kind of connection '{name[:40]}'.", remedy="Choose another.")
    return found
