"""`mailroom api`, `mailroom worker` and `mailroom renderers`: one process each, which the command becomes."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from cli.commands.serve import environment
from embedded import prefect_settings
from mailroom import own_endpoints
from mailroom.safety import unsafe
from mailroom.safety.unsafe import Program
from mailroom.settings import Settings, current

GRACE_SECONDS = 20
"""For so long the API goes on answering the requests that it had when it was told to end."""


def become(arguments: Sequence[str], variables: Mapping[str, str]) -> NoReturn:
    """Replace this process by a Python with these arguments, so that signals reach what works."""
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, *arguments], dict(variables))  # noqa: S606  no shell is wanted


def api(*, host: str = "", port: int = 0) -> NoReturn:
    """Run one process of the REST API and the pages in production until SIGTERM.

    Parameters
    ----------
    host
        The address to listen on, by default MAILROOM_HOST.
    port
        The port, by default MAILROOM_API_PORT.
    """
    settings = _production("api", Program.API)
    served = ["--host", host or settings.host, "--port", str(port or settings.api_port)]
    ending = ["--timeout-graceful-shutdown", str(GRACE_SECONDS)]
    # MAILROOM_TRUSTED_PROXIES alone says whose X-Forwarded-For counts.
    plain = ["--factory", "--no-access-log", "--no-proxy-headers", "--no-server-header"]
    become(
        ["-m", "mailroom.quick_start", "uvicorn", "api.app:create_app", *plain, *served, *ending],
        environment.of_mailroom(settings, os.environ),
    )


def worker(*, name: str = "", limit: int = 0) -> NoReturn:
    """Run one worker in production. SIGTERM lets runs in progress finish for 30 s and gives the others back.

    Parameters
    ----------
    name
        The worker's name in Prefect, by default the name of this host. No two workers may have the same.
    limit
        How many runs are in progress at once, by default MAILROOM_WORKER_LIMIT.
    """
    settings = _production("worker", Program.WORKER)
    wanted = ["--pool", settings.work_pool, "--limit", str(limit or settings.worker_slots)]
    become(
        ["-m", "prefect_mailroom.worker", "--name", name or socket.gethostname(), *wanted],
        environment.of_worker(settings, os.environ),
    )


def renderers() -> NoReturn:
    """Run the renderers of this host in production until SIGTERM. Workers and the API find them by their socket."""
    settings = _production("renderers", Program.RENDERERS)
    become(["-m", "mailroom.rendering.renderers.service"], environment.of_mailroom(settings, os.environ))


def _production(command: str, program: Program) -> Settings:
    """Return the settings, with our own endpoints closed to everything that is sent.

    Raises:
        ConfigurationError: they are embedded, or unsafe for this program.
    """
    settings = current()
    environment.check_mode(settings, command)
    prefect_settings.read_login()
    unsafe.refuse(settings, os.environ, program)
    own_endpoints.close(settings)
    return settings
