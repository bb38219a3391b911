"""Tell whether the process lives, and whether it can do its work. Open to everyone; tells no secret."""

from __future__ import annotations

import asyncio

import httpx
from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy.exc import SQLAlchemyError

from api.actions.view import View
from api.http.dependencies import ServicesDep
from api.services import Services
from mailroom.storage.migrations import is_current

router = APIRouter(tags=["health"])


class Health(View):
    """The state of the process, and of what it needs."""

    status: str
    checks: dict[str, str] = Field(default_factory=dict)


@router.get("/healthz")
async def healthz() -> Health:
    """Tell that the process lives."""
    return Health(status="ok")


@router.get("/readyz", responses={503: {"model": Health, "description": "Not ready."}})
async def readyz(services: ServicesDep, response: Response) -> Health:
    """Tell whether the database answers and is up to date. Prefect is reported; without it, changes are kept."""
    database, prefect = await asyncio.gather(_database(services), _prefect(services))
    ready = database == "ok"
    if not ready:
        response.status_code = 503
    return Health(status="ok" if ready else "not ready", checks={"database": database, "prefect": prefect})


async def _database(services: Services) -> str:
    try:
        async with asyncio.timeout(5):
            return "ok" if await is_current(services.database) else "needs migration: run `mailroom init`"
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        return f"does not answer ({type(error).__name__})"


async def _prefect(services: Services) -> str:
    try:
        async with httpx.AsyncClient(timeout=1.0, trust_env=False) as client:
            answer = await client.get(f"{services.settings.prefect_api}/health")
    except httpx.HTTPError as error:
        return f"does not answer ({type(error).__name__}); changes are stored and applied later"
    return "ok" if answer.is_success else f"answers {answer.status_code}"
