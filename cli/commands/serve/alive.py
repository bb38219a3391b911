"""`mailroom alive`: whether one process of a production system answers, for health checks of containers."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import sys
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import quote

import httpx

from cli.output import out
from embedded import prefect_settings
from mailroom.rendering import client as renderers_client
from mailroom.settings import Settings, current

SILENT_SECONDS = 45
"""A worker tells Prefect every 10 s that it is there; after this long it is taken for gone."""
_PATIENCE = 5.0


def alive(process: Literal["api", "prefect", "renderers", "worker"], *, name: str = "", port: int = 0) -> None:
    """Tell by the exit status whether a process of this host answers: 0 it does, 1 it does not.

    Parameters
    ----------
    process
        Which one. Prefect's background services answer nobody, so there is nothing to ask them.
    name
        The name of the worker, by default the name of this host.
    port
        The port of the API or of Prefect's server on this host, by default MAILROOM_API_PORT and 4200.
    """
    settings = current()
    match process:
        case "api":
            fault = _of_page(f"http://{_own(settings.host)}:{port or settings.api_port}/healthz")
        case "prefect":
            fault = _of_page(f"http://127.0.0.1:{port or 4200}/api/health")
        case "renderers":
            fault = "" if asyncio.run(renderers_client.is_serving(settings)) else "no renderers take connections"
        case "worker":
            fault = _of_worker(settings, name or socket.gethostname(), datetime.now(UTC))
    out.print(fault or "ok", markup=False, highlight=False)
    sys.exit(1 if fault else 0)


def _own(host: str) -> str:
    """Return the address under which a server on this address is reached from its own host. Pure."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104


def _of_page(url: str) -> str:
    try:
        answer = httpx.get(url, timeout=_PATIENCE, trust_env=False)
    except httpx.HTTPError as error:
        return f"{url} does not answer ({type(error).__name__})"
    return "" if answer.is_success else f"{url} answers {answer.status_code}"


def _of_worker(settings: Settings, name: str, now: datetime) -> str:
    prefect_settings.read_login()
    headers = {}
    if given := os.environ.get("PREFECT_API_AUTH_STRING"):
        headers["Authorization"] = f"Basic {base64.b64encode(given.encode()).decode()}"
    url = f"{settings.prefect_api}/work_pools/{quote(settings.work_pool)}/workers/filter"
    try:
        answer = httpx.post(url, json={}, headers=headers, timeout=_PATIENCE, trust_env=False)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        # Whether this worker works cannot be told, and to end it would help nobody.
        return "" if _is_away(error) else f"Prefect refuses to tell of its workers ({type(error).__name__})"
    return silent(answer.json(), name, now)


def _is_away(error: httpx.HTTPError) -> bool:
    return isinstance(error, httpx.TransportError) or (
        isinstance(error, httpx.HTTPStatusError) and error.response.status_code >= 500
    )


def silent(workers: list[dict[str, str]], name: str, now: datetime) -> str:
    """Return what is wrong with the worker of this name, empty where it was heard of lately. Pure."""
    heard = [datetime.fromisoformat(one["last_heartbeat_time"]) for one in workers if one["name"] == name]
    if not heard:
        return f"Prefect knows no worker {name}"
    if max(heard) < now - timedelta(seconds=SILENT_SECONDS):
        return f"Prefect has not heard of the worker {name} since {max(heard).isoformat()}"
    return ""
