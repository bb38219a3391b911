"""Mark each route with the action that it does; `caller` asks the permission table for it before anything else."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute

from mailroom.access.permissions import Action

MARK = "x-permission"


def may(action: Action) -> dict[str, Any]:
    """Return `openapi_extra=` of a route: the permission that it needs, which its documentation shows too."""
    return {MARK: str(action)}


def action_of(route: APIRoute) -> Action:
    """Return the action that a route is marked with.

    Raises:
        LookupError: it has no mark, so nobody may call it.
    """
    mark = (route.openapi_extra or {}).get(MARK)
    if mark is None:
        raise LookupError(f"The route {route.path} names no action.")
    return Action(mark)


def action_asked(request: Request) -> Action:
    """Return the action of the route that answers this request."""
    route = request.scope["route"]
    assert isinstance(route, APIRoute), "only routes of ours have dependencies"
    return action_of(route)
