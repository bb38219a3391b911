"""Measure the guard of a request: the look-up of its key in the database, and the question to the permission table.

The guard of the application is put before something that answers at once, and is timed with and without it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from api.app import create_app
from api.http.auth import LOGIN, ApiKeyGuard
from bench.api.data import Person
from mailroom.access.permissions import TABLE
from mailroom.access.viewer import viewer_of
from mailroom.settings import Settings
from mailroom.storage.database import Database

_ACTIONS = tuple(TABLE)


async def guard_ms(settings: Settings, persons: Sequence[Person], count: int = 2_000) -> float:
    """Return the milliseconds of one request that the guard takes, on average."""
    database = Database(settings.database)
    app = create_app(settings, database)
    # As the application sets it up, whatever it takes.
    (entry,) = [one for one in app.user_middleware if getattr(one.cls, "__name__", "") == ApiKeyGuard.__name__]
    guarded = entry.cls(_answered, *entry.args, **entry.kwargs)
    for person in persons:
        await _call(guarded, person, app)  # The first use of a key is written, and connections are opened.
    began = time.perf_counter()
    for number in range(count):
        scope = await _call(guarded, persons[number % len(persons)], app)
        login = scope[LOGIN]
        viewer = viewer_of(login.user, login.scope)
        viewer.may(_ACTIONS[number % len(_ACTIONS)])
    with_guard = time.perf_counter() - began
    began = time.perf_counter()
    for number in range(count):
        await _call(_answered, persons[number % len(persons)], app)
    without = time.perf_counter() - began
    await database.close()
    return round(1000 * (with_guard - without) / count, 3)


async def _answered(_scope: Scope, _receive: Receive, _send: Send) -> None:
    return None


async def _call(called: ASGIApp, person: Person, app: FastAPI) -> Scope:
    scope: dict[str, Any] = {
        "type": "http",
        "app": app,
        "method": "GET",
        "path": "/api/v1/schedules/",
        "query_string": b"",
        "client": ("127.0.0.1", 50_000),
        "headers": [(b"authorization", f"Bearer {person.key}".encode())],
    }
    await called(scope, _nothing, _refused)
    return scope


async def _nothing() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _refused(message: Any) -> None:
    raise AssertionError(f"The guard refused a request: {message}")
