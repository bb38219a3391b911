"""The embedded system as a whole: refused early, started in order, ended in reverse, nothing left behind."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from embedded import data_dir, ports, prefect_settings, services
from embedded.display import Display
from embedded.processes import guard
from embedded.processes.supervisor import Service, Supervisor
from mailroom.own_endpoints import own_endpoints
from mailroom.settings import CHECKOUT, Settings
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.never_targets import OWN_VARIABLE

_FACTORIES = (
    services.prefect,
    services.mail,
    services.setup,
    services.renderers,
    services.api,
    services.worker,
)


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of the pages, as URLs."""

    api: str
    prefect: str
    mail: str

    @classmethod
    def of(cls, settings: Settings) -> Addresses:
        """Return the addresses of a system with these settings."""
        base = f"http://{settings.host}"
        return cls(f"{base}:{settings.api_port}", settings.prefect_ui, f"{base}:{settings.mail_web_port}")


def environment(settings: Settings, mark: str) -> dict[str, str]:
    """Return what every child inherits."""
    return {
        **prefect_settings.base_environment(),
        **prefect_settings.client_environment(settings),
        **services.settings_environment(settings),
        "MAILROOM_OUTBOUND_ALLOW": services.outbound_allow(settings),
        OWN_VARIABLE: " ".join(own_endpoints(settings)),
        "PYTHONUNBUFFERED": "1",
        guard.MARK: mark,
    }


def check_mode(settings: Settings) -> None:
    """Refuse to run the embedded system where the settings ask for production.

    Raises:
        ConfigurationError: in production mode.
    """
    if settings.mode != "embedded":
        raise ConfigurationError(
            "`mailroom up` runs only the embedded mode, but MAILROOM_MODE is production.",
            remedy="Start the API, Prefect and workers as services, or unset MAILROOM_MODE.",
            field="MAILROOM_MODE",
        )


@asynccontextmanager
async def running(
    settings: Settings,
    display: Display,
    *,
    hurry: asyncio.Event,
) -> AsyncIterator[Supervisor]:
    """Start everything, keep it running during the block, then end everything.

    Args:
        hurry: once set, ending is firm: nothing is waited for.

    Raises:
        ConfigurationError: the folder, a port or the disk cannot be had; nothing was started.
        StartFailed: a service did not come up; the others were ended again.
    """
    check_mode(settings)
    data_dir.prepare(settings)
    with data_dir.locked(settings.data_dir) as lock:
        ports.check_ports(settings)
        mark = secrets.token_hex(16)
        watch = await _start_guard(mark, lock)
        supervisor = Supervisor(settings.data_dir / "logs", display.line)
        supervisor.firm = hurry
        try:
            await _start(settings, supervisor, display, environment(settings, mark))
            yield supervisor
        finally:
            display.line("mailroom", "ending …")
            await supervisor.stop()
            # Flow runs are the worker's children, in sessions of their own.
            await asyncio.to_thread(guard.sweep, mark, 0 if hurry.is_set() else 5)
            await _dismiss(watch)


async def _start(settings: Settings, supervisor: Supervisor, display: Display, inherited: Mapping[str, str]) -> None:
    prefect, mail, setup, renderers, api, worker = (make(settings, inherited) for make in _FACTORIES)

    async def start(service: Service) -> None:
        with display.starting(service.name):
            await (supervisor.once(service) if service is setup else supervisor.start(service))

    async def prefect_then_worker() -> None:
        if not settings.prefect_api_url:  # An operator's own Prefect server is used as it is.
            await start(prefect)
        await start(worker)

    async def setup_then_api() -> None:
        await start(setup)
        await start(renderers)
        await start(api)

    try:
        async with asyncio.TaskGroup() as group:
            for chain in (prefect_then_worker(), setup_then_api(), start(mail)):
                group.create_task(chain)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _start_guard(mark: str, lock: int) -> asyncio.subprocess.Process:
    """Start the guard. It holds the lock too, so that no other `up` begins before the remains of this one are gone."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "embedded.processes.guard",
        mark,
        stdin=asyncio.subprocess.PIPE,
        pass_fds=[lock],
        cwd=CHECKOUT,
        start_new_session=True,
    )


async def _dismiss(watch: asyncio.subprocess.Process) -> None:
    """Let the guard go, and wait until it has: it holds the folder's lock, and the next `up` may begin at once."""
    if watch.returncode is None and watch.stdin is not None:
        watch.stdin.write(guard.FAREWELL)
        watch.stdin.close()
        await watch.wait()
    await watch.wait()
