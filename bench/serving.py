"""Our API alone as a process of its own, as `mailroom up` starts it, over a database that was filled before."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from bench.peak import programs
from bench.peak.waiting import free_ports, wait_for
from mailroom.settings import Settings

NOBODY_LISTENS = "http://127.0.0.1:9/api"
"""The address of a Prefect that is down."""


@dataclass(frozen=True)
class Served:
    """The process and how to reach it; `key` is the key of the installation."""

    url: str
    key: str
    log: Path
    process: psutil.Popen

    def cpu_seconds(self) -> float:
        """Return the CPU time that the API has taken so far, in all of its processes."""
        times = [one.cpu_times() for one in (self.process, *self.process.children(recursive=True))]
        return float(sum(one.user + one.system for one in times))

    def client(self, key: str | None = None) -> httpx.Client:
        """Return a client with this key, or with that of the installation."""
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=60, trust_env=False)


def settings_in(folder: Path, *, prefect_api: str = NOBODY_LISTENS) -> Settings:
    """Return the settings of an API with its data in this folder; whatever the environment says is left out."""
    named = {name: field.get_default(call_default_factory=True) for name, field in Settings.model_fields.items()}
    own = {
        "data_dir": folder,
        "api_key": secrets.token_urlsafe(40),
        "key_pepper": secrets.token_urlsafe(40),
        "prefect_api_url": prefect_api,
        "api_port": free_ports(1)[0],
    }
    return Settings.model_validate({**named, **own})


@contextmanager
def serving(
    settings: Settings, environment: Mapping[str, str] | None = None, *, processes: int = 1
) -> Iterator[Served]:
    """Run the API in this number of processes while the block does. Its database must be migrated."""
    own = {
        "MAILROOM_DATA_DIR": str(settings.data_dir),
        "MAILROOM_DATABASE_URL": settings.database_url,
        "MAILROOM_API_KEY": settings.api_key.get_secret_value(),
        "MAILROOM_KEY_PEPPER": settings.key_pepper.get_secret_value(),
        "MAILROOM_PREFECT_API_URL": settings.prefect_api,
        "MAILROOM_API_PORT": str(settings.api_port),
        # What is measured is the work, so nobody is told to wait.
        **{f"MAILROOM_RATE_LIMIT_{whose}": "1000000/second" for whose in ("USER", "KEY", "ADDRESS")},
        **(environment or {}),
    }
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MAILROOM_", "PREFECT_"))}
    log = settings.data_dir / "api.log"
    command = [sys.executable, "-m", "uvicorn", "api.app:create_app", "--factory", "--no-access-log"]
    address = ["--host", settings.host, "--port", str(settings.api_port), "--workers", str(processes)]
    with programs.running([*command, *address], {**inherited, **own}, log) as process:
        url = f"http://{settings.host}:{settings.api_port}"

        def ready() -> bool:
            programs.must_run(process, log)
            try:
                return httpx.get(f"{url}/readyz", timeout=5, trust_env=False).is_success
            except httpx.TransportError:
                return False

        wait_for("The API", ready, 240, 0.1)
        yield Served(url, settings.api_key.get_secret_value(), log, process)
