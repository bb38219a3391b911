"""Tell whether the process lives, and whether it can do its work. Open to everyone; tells no secret."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime

import httpx
from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy.exc import SQLAlchemyError

from api.actions.view import View
from api.http.dependencies import ServicesDep
from api.services import Services
from deployments.watched_loop import LoopHealth, late
from mailroom.access.viewer import SYSTEM
from mailroom.stops import repository as stops
from mailroom.stops.spec import StopCause, StopScope
from mailroom.storage.artifacts import free_mb
from mailroom.storage.migrations import is_current

router = APIRouter(tags=["health"])


class LoopView(View):
    """The health of one loop that works in the background of the process."""

    name: str
    last_success: datetime | None = Field(
        description="The time of the last successful round; null before the first one."
    )
    last_error_id: str = Field(description="The id of the last unexpected error in the log; empty if there was none.")
    restarts: int = Field(description="How many times the loop was restarted after an unexpected error.")
    late: bool = Field(description="Whether the last success is so long ago that the process is not ready.")


class Health(View):
    """The state of the process, and of what it needs."""

    status: str
    checks: dict[str, str] = Field(default_factory=dict)
    loops: list[LoopView] = Field(default_factory=list)


@router.get("/healthz")
async def healthz() -> Health:
    """Tell that the process lives."""
    return Health(status="ok")


@router.get("/readyz", responses={503: {"model": Health, "description": "Not ready."}})
async def readyz(services: ServicesDep, response: Response) -> Health:
    """Tell whether database and background loops are well. Prefect is reported; without it, changes are kept."""
    database, prefect, disk, sending = await asyncio.gather(
        _database(services), _prefect(services), _disk(services), _sending(services)
    )
    loops = _loops(services)
    ready = database == "ok" and loops == "ok"
    if not ready:
        response.status_code = 503
    return Health(
        status="ok" if ready else "not ready",
        checks={"database": database, "prefect": prefect, "loops": loops, "disk": disk, "sending": sending},
        loops=[_view(loop.health) for loop in services.loops],
    )


def _view(health: LoopHealth) -> LoopView:
    return LoopView(
        name=health.name,
        last_success=health.last_success,
        last_error_id=health.last_error_id,
        restarts=health.restarts,
        late=health.is_late(time.monotonic()),
    )


async def _disk(services: Services) -> str:
    """Tell whether there is room to render. It is reported alone: what is rendered already can be had and delivered."""
    least = services.settings.min_free_mb
    try:
        free = await asyncio.to_thread(free_mb, services.settings.data_dir)
    except OSError as error:
        return f"the data folder cannot be read ({type(error).__name__})"
    return "ok" if free >= least else f"only {free:,} MB are free, and rendering needs at least {least:,} MB"


def _loops(services: Services) -> str:
    now = time.monotonic()
    told = [f"{loop.name} ({loop.silent_for(now):.0f} s)" for loop in late(services.loops, now)]
    return f"no success for too long: {', '.join(told)}" if told else "ok"


async def _database(services: Services) -> str:
    try:
        async with asyncio.timeout(5):
            return "ok" if await is_current(services.database) else "needs migration: run `mailroom init`"
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        return f"does not answer ({type(error).__name__})"


async def _sending(services: Services) -> str:
    """Tell whether something is stopped, and what; why is for those who may ask. A stop is no fault of the process."""
    try:
        async with asyncio.timeout(5), services.database.session() as session:
            found = await stops.list_standing(session, viewer=SYSTEM)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        return f"not known ({type(error).__name__})"
    if any(stop.scope == StopScope.ALL for stop in found):
        restored = any(stop.cause == StopCause.RESTORED for stop in found)
        return f"everything is stopped{', since the database was restored from a backup' if restored else ''}"
    return f"{len(found)} parts are stopped" if found else "ok"


async def _prefect(services: Services) -> str:
    try:
        async with httpx.AsyncClient(timeout=1.0, trust_env=False) as client:
            answer = await client.get(f"{services.settings.prefect_api}/health")
    except httpx.HTTPError as error:
        return f"does not answer ({type(error).__name__}); changes are stored and applied later"
    return "ok" if answer.is_success else f"answers {answer.status_code}"
