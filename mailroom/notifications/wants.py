"""Decide whether a user wants to be told of something by a route. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailroom.notifications.kinds import Kind, Route, kind_of, routes_of

PREFERENCE = "alerts"
"""The name of this part of a user's stored preferences: `{kind: {route: whether it is wanted}}`."""


def wants(preferences: Mapping[str, Any] | None, kind: str, route: Route) -> bool:
    """Tell whether a user wants to be told of a kind by a route.

    Everything is wanted by each route that it goes by, until the user chooses otherwise: who has chosen nothing, or
    whose choice cannot be read, is told. What does not go by a route is never wanted by it.

    Args:
        preferences: as they are stored with the user (`User.preferences`).
        kind: a word of `Kind`, or that of an incident.
    """
    known = kind_of(kind)
    if route not in routes_of(known):
        return False
    return chosen(preferences, known, route) is not False


def chosen(preferences: Mapping[str, Any] | None, kind: Kind, route: Route) -> bool | None:
    """Return what a user has chosen, or None where nothing was, or nothing that can be read."""
    found: Any = preferences
    for name in (PREFERENCE, kind.value, route.value):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, bool) else None
