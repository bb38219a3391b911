"""The processes of a Mailroom, as `mailroom up` starts them; here each can be killed and started again by itself."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate

from embedded import data_dir, ports, services
from embedded.processes import guard
from embedded.processes.supervisor import Service
from embedded.system import environment
from mailroom.access.service import ensure_default_user
from mailroom.connections import service as connections
from mailroom.connections.spec import NewConnection
from mailroom.context import Context
from mailroom.reports import repository as report_repository
from mailroom.reports.spec import ReportDefinition
from mailroom.settings import Settings
from mailroom.storage import migrations
from mailroom.storage.database import Database
from prefect_mailroom.worker.warm import WarmWorker
from tests.support.samples import REPORT, make_warehouse
from tests.support.smtp import SmtpServer, smtp_settings
from tests.support.waiting import eventually

SLOTS = 3
"""Runs that a worker has under way at once; it claims two more for each."""
_ALWAYS = ("prefect", "renderers", "worker")


class Processes:
    """A Prefect server, renderers, a worker and an API as processes of their own, and a mail server."""

    def __init__(self, folder: Path) -> None:
        free = ports.free_ports("127.0.0.1", len(ports.PORT_FIELDS))
        chosen = dict(zip(ports.PORT_FIELDS, free, strict=True))
        self.settings = Settings.model_validate(
            {"data_dir": folder, "renderers": 1, "worker_limit": SLOTS, "sync_wait_seconds": 20, **chosen}
        )
        self.mail = SmtpServer()
        self._serving = contextlib.ExitStack()
        self._mark = uuid.uuid4().hex
        self._environment = environment(self.settings, self._mark)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def _service(self, name: str) -> Service:
        make: Callable[[Settings, Mapping[str, str]], Service] = getattr(services, name.partition("-")[0])
        service = make(self.settings, self._environment)
        if not name.startswith("worker"):
            return service
        quick = {**service.environment, "PREFECT_WORKER_QUERY_SECONDS": "0.5"}
        command = list(service.command)
        command[command.index("--name") + 1] = name
        return replace(
            service, command=command, environment=quick, answers=services._worker_answers(self.settings, name)
        )

    async def start(self, name: str) -> None:
        """Start `prefect`, `renderers`, `api` or a worker (`worker`, `worker-2`) and wait until it can be used."""
        service = self._service(name)
        log = self.settings.data_dir / "logs" / f"{name}.log"
        with log.open("ab") as output:
            self._running[name] = subprocess.Popen(
                list(service.command), env=dict(service.environment), stdout=output, stderr=subprocess.STDOUT
            )

        async def answers() -> bool | None:
            assert self._running[name].poll() is None, log.read_text(errors="replace")[-3000:]
            return await service.answers() or None

        await eventually(answers, 180, lambda: log.read_text(errors="replace")[-3000:])

    def kill(self, name: str) -> None:
        """Kill a process, as when its machine dies."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    async def mend(self) -> None:
        """Restore the processes to what `open` started, whatever a failed test has left."""
        for name in set(self._running) - set(_ALWAYS):
            self.kill(name)
        for name in _ALWAYS:
            if name not in self._running:
                await self.start(name)

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Give a process no time while the block runs, as on a machine that is suspended."""
        process = self._running[name]
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def told(self) -> str:
        """Return the last lines of every log."""
        logs = sorted((self.settings.data_dir / "logs").glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-2500:]}" for log in logs)

    async def open(self) -> None:
        """Start everything but the API; store a report and its connections."""
        data_dir.prepare(self.settings)
        self.settings.artifacts_dir.mkdir()
        self._serving.enter_context(self.mail.in_thread())
        await asyncio.gather(self.start("prefect"), self.start("renderers"))
        async with PrefectClient(self.settings.prefect_api) as client:
            template = WarmWorker.get_default_base_job_template()
            pool = WorkPoolCreate(name=self.settings.work_pool, type="mailroom-warm", base_job_template=template)
            await client.create_work_pool(pool)
        await asyncio.gather(self.start("worker"), self._furnish())

    async def _furnish(self) -> None:
        warehouse = make_warehouse(self.settings.data_dir / "warehouse.db")
        database, now = Database(self.settings.database), datetime.now(UTC)
        await migrations.upgrade(database)
        async with database.session() as session:
            owner = await ensure_default_user(session, now, self.settings)
            for name, kind, values in (
                ("smtp", "email", smtp_settings(self.mail.port)),
                ("warehouse", "sql", {"url": warehouse}),
            ):
                wanted = NewConnection(name=name, kind=kind, settings=values)
                await connections.create(session, wanted, Context(user=owner, now=now, settings=self.settings))
            await report_repository.save(session, ReportDefinition.model_validate(REPORT), now=now)
        await database.close()

    def close(self) -> None:
        """End every process, grandchildren included."""
        self.mail.release()
        self._serving.close()
        guard.sweep(self._mark, patience=0)
        for process in self._running.values():
            process.wait()
