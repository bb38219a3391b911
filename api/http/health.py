"""Tell whether the process lives, and whether it can do its work. Open to all: no secret, name or place is told."""

from __future__ import annotations

import time
from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import Field

from api.actions.view import View
from api.http.dependencies import ServicesDep
from api.services import Services
from deployments.watched_loop import LoopHealth, late
from mailroom.watching.checks import every
from mailroom.watching.checks.spec import Check, CheckName, State

router = APIRouter(tags=["health"])
_LOOPS = "loops"


class LoopView(View):
    """The health of one loop that works in the background of the process."""

    name: str
    last_success: datetime | None = Field(
        description="The time of the last successful round; null before the first one."
    )
    last_error_id: str = Field(description="The id of the last unexpected error in the log; empty if there was none.")
    restarts: int = Field(description="How many times the loop was restarted after an unexpected error.")
    late: bool = Field(description="Whether the last success is so long ago that the process is not ready.")


class PartView(View):
    """The health of one part that Mailroom works with."""

    name: str
    state: State = Field(description="`unknown` where nothing can be said now.")
    message: str
    remedy: str = Field(description="What to do; empty where nothing is to be done.")
    since: datetime | None = Field(description="Since when it is so, where that is known.")


class Health(View):
    """The state of the process, and of what it needs."""

    status: str
    checks: dict[str, str] = Field(
        default_factory=dict, description="For each part `ok`, or what is wrong with it, in words."
    )
    loops: list[LoopView] = Field(default_factory=list)
    parts: list[PartView] = Field(default_factory=list, description="Each part, as `mailroom doctor` tells of it.")


@router.get("/healthz")
async def healthz() -> Health:
    """Tell that the process lives."""
    return Health(status="ok")


@router.get("/readyz", responses={503: {"model": Health, "description": "Not ready."}})
async def readyz(services: ServicesDep, response: Response) -> Health:
    """Tell whether database and background loops are well. The other parts are reported; without them, work waits."""
    checks = await every.look(services.database, services.settings, services.probe, now=services.database.now())
    loops = _loops(services)
    ready = checks[CheckName.DATABASE].state is State.OK and loops == "ok" and not services.ending.is_set()
    if not ready:
        response.status_code = 503
    return Health(
        status="ending" if services.ending.is_set() else "ok" if ready else "not ready",
        checks={check.name: _words(check) for check in checks.values()} | {_LOOPS: loops},
        loops=[_view(loop.health) for loop in services.loops],
        parts=[_part(check) for check in checks.values()],
    )


def _words(check: Check) -> str:
    return "ok" if check.state is State.OK else check.message


def _part(check: Check) -> PartView:
    return PartView(name=check.name, state=check.state, message=check.message, remedy=check.remedy, since=check.since)


def _view(health: LoopHealth) -> LoopView:
    return LoopView(
        name=health.name,
        last_success=health.last_success,
        last_error_id=health.last_error_id,
        restarts=health.restarts,
        late=health.is_late(time.monotonic()),
    )


def _loops(services: Services) -> str:
    now = time.monotonic()
    told = [f"{loop.name} ({loop.silent_for(now):.0f} s)" for loop in late(services.loops, now)]
    return f"no success for too long: {', '.join(told)}" if told else "ok"
