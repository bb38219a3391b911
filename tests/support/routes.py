"""The routes of the application, as a request meets them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from api.http.permission import MARK


@dataclass(frozen=True)
class Served:
    """One method of one path. `mark` names its action, if any; `calls` are the dependencies that it waits for."""

    method: str
    path: str
    mark: str | None
    calls: tuple[Any, ...]


def served_by(app: FastAPI, below: str = "/api/v1/") -> list[Served]:
    """Return every route of included routers, also those that the documentation does not show."""
    found = []
    for included in app.routes:
        for route in getattr(included, "effective_route_contexts", tuple)():
            mark = (route.openapi_extra or {}).get(MARK)
            calls = tuple(_calls(route.dependant))
            found += [Served(method, route.path, mark, calls) for method in route.methods]
    return [one for one in found if one.path.startswith(below)]


def _calls(dependant: Any) -> Iterator[Any]:
    for one in dependant.dependencies:
        yield one.call
        yield from _calls(one)
