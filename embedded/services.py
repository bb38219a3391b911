"""The processes of an embedded system: how each is started, and how it shows that it can be used."""

from __future__ import annotations

import functools
import os
import ssl
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

import httpx

from embedded import data_dir, prefect_settings
from embedded.processes.supervisor import Service
from mailroom.rendering import client
from mailroom.settings import Settings

_QUICKLY = (sys.executable, "-m", "mailroom.quick_start")
_SETTINGS_PASSED = (
    "mode",
    "data_dir",
    "host",
    "api_port",
    "prefect_port",
    "mail_web_port",
    "mail_smtp_port",
    "work_pool",
    "worker_limit",
    "worker_type",
    "renderers",
)
_SECRETS = ("API_KEY", "KEY_PEPPER", "IDENTITY_KEY", "AUDIT_KEY", "LINK_KEY")
_GIVEN_AS_FILES = {f"MAILROOM_{name}_FILE" for name in _SECRETS}
"""The names of files with secrets that the API does not get, since it is given the secrets themselves."""
_WORKERS_AS_FILES = {"MAILROOM_IDENTITY_KEY_FILE", "MAILROOM_LINK_KEY_FILE"}
"""The same for the worker, which is given only these secrets."""


def settings_environment(settings: Settings) -> dict[str, str]:
    """Return the settings that `up` decides on, for its children; they inherit the others as they are."""
    decided = {f"MAILROOM_{name.upper()}": str(getattr(settings, name)) for name in _SETTINGS_PASSED}
    # Named, so that nobody renders by themselves while the renderers are being started again.
    return decided | {"MAILROOM_RENDERERS_SOCKET": str(settings.renderers_path)}


def outbound_allow(settings: Settings) -> str:
    """Return what connections may reach: what the operator allowed, and this machine, where the mail catcher is."""
    return f"{os.environ.get('MAILROOM_OUTBOUND_ALLOW', '')} {settings.host}".strip()


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Return one TLS context for all questions. Making one takes 15 ms, and a service is asked five times a second."""
    return httpx.create_ssl_context(trust_env=False)


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=2, trust_env=False, verify=_trusted())


def _answers(url: str) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        try:
            async with _client() as client:
                return (await client.get(url)).is_success
        except httpx.HTTPError:
            return False  # Not yet; the supervisor asks again and knows when to give up.

    return ask


def _worker_answers(settings: Settings, name: str) -> Callable[[], Awaitable[bool]]:
    """Tell whether Prefect has heard from the worker since now; an older heartbeat is of the last start."""
    since = datetime.now(UTC)
    url = f"{settings.prefect_api}/work_pools/{quote(settings.work_pool)}/workers/filter"

    async def ask() -> bool:
        try:
            async with _client() as client:
                answer = await client.post(url, json={})
        except httpx.HTTPError:
            return False
        workers = answer.json() if answer.is_success else []
        seen = [datetime.fromisoformat(w["last_heartbeat_time"]) for w in workers if w["name"] == name]
        return any(moment >= since for moment in seen)

    return ask


def prefect(settings: Settings, environment: Mapping[str, str]) -> Service:
    """Return the Prefect server with its UI, on SQLite."""
    command = [*_QUICKLY, "embedded.prefect_server", "server", "start"]
    return Service(
        "prefect",
        [*command, "--host", settings.host, "--port", str(settings.prefect_port)],
        {**environment, **prefect_settings.server_environment(settings, data_dir.encryption_key(settings))},
        _answers(f"{settings.prefect_api}/health"),
    )


def mail(settings: Settings, environment: Mapping[str, str]) -> Service:
    """Return the mail catcher, which takes every mail, delivers none and shows them on a page."""
    options = ["--folder", str(settings.data_dir / "mail"), "--host", settings.host]
    ports = ["--smtp-port", str(settings.mail_smtp_port), "--web-port", str(settings.mail_web_port)]
    return Service(
        "mail",
        [sys.executable, "-m", "embedded.mailcatcher", *options, *ports],
        environment,
        _answers(f"http://{settings.host}:{settings.mail_web_port}/api/messages"),
    )


def setup(settings: Settings, environment: Mapping[str, str]) -> Service:
    """Return `mailroom init`, which waits for Prefect where it needs it, and ends."""

    async def never() -> bool:
        return False

    return Service("setup", [sys.executable, "-m", "cli.main", "init", "--wait", "120"], environment, never)


def renderers(settings: Settings, environment: Mapping[str, str]) -> Service:
    """Return the renderer processes of this machine. They can be asked before all of them are ready."""
    command = [sys.executable, "-m", "mailroom.rendering.renderers.service"]
    return Service("renderers", command, environment, lambda: client.is_serving(settings))


def api(settings: Settings, environment: Mapping[str, str]) -> Service:
    """Return the REST API and the pages. It alone is given the API key, the pepper of keys and the audit key."""
    command = [*_QUICKLY, "uvicorn", "api.app:create_app", "--factory", "--no-access-log"]
    # MAILROOM_TRUSTED_PROXIES alone says whose X-Forwarded-For counts.
    command.append("--no-proxy-headers")
    return Service(
        "api",
        [*command, "--host", settings.host, "--port", str(settings.api_port)],
        {
            **{name: value for name, value in environment.items() if name not in _GIVEN_AS_FILES},
            "MAILROOM_API_KEY": data_dir.api_key(settings),
            "MAILROOM_KEY_PEPPER": data_dir.key_pepper(settings),
            "MAILROOM_IDENTITY_KEY": data_dir.identity_key(settings),
            "MAILROOM_AUDIT_KEY": data_dir.audit_key(settings),
            "MAILROOM_LINK_KEY": data_dir.link_key(settings),
        },
        _answers(f"http://{settings.host}:{settings.api_port}/healthz"),
    )


def worker(settings: Settings, environment: Mapping[str, str]) -> Service:
    """Return the worker that runs the flows."""
    name = "embedded"
    command = [sys.executable, "-m", "prefect", "worker", "start", "--type", settings.worker_type]
    if settings.worker_type == "mailroom-warm":
        command = [sys.executable, "-m", "prefect_mailroom.worker"]  # The same worker in less memory.
    return Service(
        "worker",
        [*command, "--name", name, "--pool", settings.work_pool, "--limit", str(settings.worker_slots)],
        {
            **{name: value for name, value in environment.items() if name not in _WORKERS_AS_FILES},
            **prefect_settings.WORKER,
            "MAILROOM_IDENTITY_KEY": data_dir.identity_key(settings),
            "MAILROOM_LINK_KEY": data_dir.link_key(settings),
        },
        _worker_answers(settings, name),
    )
