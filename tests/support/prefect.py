"""A real Prefect server for tests, and what most of them ask of one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists

from embedded import prefect_settings
from embedded.ports import free_port
from mailroom.settings import Settings
from tests.support.prefect_template import lay_out
from tests.support.waiting import eventually_sync

NOBODY_LISTENS = "http://127.0.0.1:9/api"
"""The address of a Prefect that is down."""
_QUICKLY = (sys.executable, "-m", "mailroom.quick_start")
_COMMAND = (*_QUICKLY, "prefect", "server", "start")
_ENVIRONMENT = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    "PREFECT_SERVER_MEMOIZE_BLOCK_AUTO_REGISTRATION": "false",
    "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "5",
    # Nothing here uses Prefect's automations. Looking through all events for them is a sixth of the server's work.
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
    "PYTHONTZPATH": "",
    "DO_NOT_TRACK": "1",
}


class PrefectServer:
    """A Prefect server on SQLite in a folder of its own; it can be killed, and started again on what it stored.

    `with PrefectServer(folder) as server:` starts it and waits until it answers at `server.url`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        command: Sequence[str] = _COMMAND,
        environment: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> None:
        """Prepare one; by default Prefect's own command, knowing nothing of the settings of this process."""
        self.folder = folder
        self.port = port or free_port("127.0.0.1")
        self.url = f"http://127.0.0.1:{self.port}/api"
        self._log = folder / "server.log"
        self._command = [*command, "--host", "127.0.0.1", "--port", str(self.port)]
        if environment is None:
            kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "MAILROOM_"))}
            environment = {**kept, **_ENVIRONMENT, "PREFECT_HOME": str(folder)}
            lay_out(folder)
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def as_embedded(cls, folder: Path) -> Self:
        """Prepare one as `mailroom up` starts it."""
        settings = Settings.model_validate({"data_dir": folder, "prefect_port": free_port("127.0.0.1")})
        environment = prefect_settings.base_environment() | prefect_settings.server_environment(settings, "x" * 44)
        command = [*_QUICKLY, "embedded.prefect_server", "server", "start"]
        return cls(folder, command=command, environment=environment, port=settings.prefect_port)

    def start(self) -> None:
        """Start it and wait until it answers; fail with its log when it does not."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, env=self._environment, cwd=self.folder, stdout=output, stderr=subprocess.STDOUT
            )
        eventually_sync(self._answers, 240, self.log, pause=0.2)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"The Prefect server did not start:\n{self.log()}"
        try:
            return httpx.get(f"{self.url}/health", timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def log(self) -> str:
        """Return the last lines that it wrote."""
        return self._log.read_text(errors="replace")[-3000:]

    def kill(self) -> None:
        """End it as when its machine dies."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End it in order; kill it when it takes longer than 20 s."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


async def ensure_work_pool(client: PrefectClient, name: str = "mailroom") -> None:
    """Make the work pool that deployments name, unless an earlier test of this server made it."""
    try:
        await client.create_work_pool(WorkPoolCreate(name=name, type="process"))
    except ObjectAlreadyExists:
        return
