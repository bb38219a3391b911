"""The system under trouble: `mailroom up`, a Prefect server behind a proxy, and the bad far sides as processes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from bench.peak import backends, programs
from bench.peak.backends import Backend
from bench.peak.stack import flights_of, inherited
from bench.peak.usage import below
from bench.peak.waiting import free_ports, say, wait_for
from bench.troubled.script import STORES
from bench.troubled.stores import good
from embedded import data_dir, prefect_settings
from mailroom.settings import Settings
from mailroom.storage.sqlite.lock_holder import write_lock_holder
from prefect_mailroom.channels.gcs.bucket import HOSTS_VARIABLE

_PORTS = ("api_port", "prefect_port", "mail_web_port", "mail_smtp_port")


class PrefectServer:
    """The Prefect of the embedded system, started here, so that it can be restarted and stand behind a proxy."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self._health = f"{settings.prefect_api}/health"
        self._log = log
        self._environment = {
            **prefect_settings.base_environment(),
            **prefect_settings.server_environment(settings, data_dir.encryption_key(settings)),
        }
        address = ["--host", settings.host, "--port", str(settings.prefect_port)]
        self._command = [sys.executable, "-m", "embedded.prefect_server", "server", "start", *address]
        self._running = ExitStack()

    def start(self) -> None:
        """Start it, and return when it answers."""
        process = self._running.enter_context(programs.running(self._command, self._environment, self._log))

        def answers() -> bool:
            programs.must_run(process, self._log)
            return _answers(self._health)

        wait_for("Prefect", answers, 240)

    def stop(self) -> None:
        """End it."""
        self._running.close()


@dataclass(frozen=True, slots=True)
class FarPorts:
    """The ports of the bad far sides."""

    mail: int
    files: int
    hook: int
    stores: Mapping[str, int]


class System:
    """Everything that runs."""

    def __init__(
        self,
        backend: Backend,
        folder: Path,
        settings: Settings,
        prefect: PrefectServer,
        up: psutil.Popen,
        spoilers: Sequence[psutil.Popen],
        far_ports: FarPorts,
    ) -> None:
        self.backend, self.folder, self.prefect, self.far_ports = backend, folder, prefect, far_ports
        self.url = f"{settings.public_url}/api/v1"
        self._settings, self._up, self._spoilers = settings, up, spoilers

    @property
    def journal(self) -> Path:
        """Return the file that the far sides write."""
        return self.folder / "journal.jsonl"

    @property
    def client(self) -> httpx.Client:
        """Return a new client of our API."""
        headers = {"Authorization": f"Bearer {data_dir.api_key(self._settings)}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=120, trust_env=False)

    @property
    def stores(self) -> good.Good:
        """Return where the good stores are, to read what they hold."""
        found = good.read(self.folder)
        assert found is not None, "it was there before the system was ready"
        return found

    @property
    def host_key(self) -> str:
        """Return the key of the file server."""
        return (self.folder / "host_key.pub").read_text()

    def turn_bad(self) -> None:
        """Let the far sides and the proxy before Prefect begin to misbehave."""
        for process in self._spoilers:
            process.send_signal(signal.SIGUSR1)

    def sending_child(self) -> psutil.Process | None:
        """Return a process of the worker that has a connection to the mail server now."""
        return next((child for child in self._children() if self.is_sending(child)), None)

    def is_sending(self, child: psutil.Process) -> bool:
        """Tell whether the process has a connection to the mail server."""
        try:
            links = child.net_connections("tcp")
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False  # It ended meanwhile.
        return any(link.raddr and link.raddr.port == self.far_ports.mail for link in links)

    def writing_child(self) -> psutil.Process | None:
        """Return the process of the worker that holds SQLite's write lock now."""
        writer = self.writer()
        return next((child for child in self._children() if child.pid == writer), None)

    def writer(self) -> int | None:
        """Return the process that holds SQLite's write lock now."""
        holder = None if self.backend.postgres else write_lock_holder(self.backend.folder / "mailroom.db")
        return holder.pid if holder else None

    def _children(self) -> list[psutil.Process]:
        return [process for process, part in below(self._up) if part == "worker"]


@contextmanager
def up(kind: str, folder: Path, *, merciful: bool = False) -> Iterator[System]:
    """Run everything while the block does, on databases of the kind, below `folder`, which must be new."""
    folder.mkdir()
    with ExitStack() as opened:
        backend = opened.enter_context(backends.opened(kind, folder))
        flights_of(folder)
        *ports, mail_port, files_port, hook_port, proxy_port = free_ports(len(_PORTS) + len(STORES) + 4)
        stores = dict(zip(STORES, ports[len(_PORTS) :], strict=True))
        far_ports = FarPorts(mail_port, files_port, hook_port, stores)
        chosen = dict(zip(_PORTS, ports[: len(_PORTS)], strict=True))
        variables = {
            **{f"MAILROOM_{name.upper()}": str(port) for name, port in chosen.items()},
            **backend.environment,
            "MAILROOM_DATA_DIR": str(backend.folder),
            HOSTS_VARIABLE: "127.0.0.1",
        }
        database = backend.environment.get("MAILROOM_PREFECT_DATABASE_URL", "")
        settings = Settings.model_validate(
            {"data_dir": backend.folder, "prefect_database_url": database, "prefect_api_url": "", **chosen}
        )
        data_dir.prepare(settings)
        say(f"starting everything on {kind}")
        environment = {**inherited(), "PYTHONUNBUFFERED": "1"}
        log = folder / "spoilers.log"
        journal, mercy = str(folder / "journal.jsonl"), "merciful" * merciful
        commands = [["bench.troubled.prefect_proxy", str(proxy_port), str(settings.prefect_port)]] + [
            [f"bench.troubled.{name}_server", str(port), journal, mercy]
            for name, port in (("mail", mail_port), ("file", files_port), ("hook", hook_port))
        ]
        listed = ",".join(map(str, stores.values()))
        commands.append(["bench.troubled.stores.server", listed, journal, mercy])
        spoilers = [
            opened.enter_context(programs.running([sys.executable, "-m", *command], environment, log))
            for command in commands
        ]
        prefect = PrefectServer(settings, folder / "prefect.log")
        opened.callback(prefect.stop)
        prefect.start()
        variables["MAILROOM_PREFECT_API_URL"] = f"http://{settings.host}:{proxy_port}/api"
        up_log = folder / "up.log"
        command = [sys.executable, "-m", "cli.main", "up"]
        process = opened.enter_context(programs.running(command, {**environment, **variables}, up_log))

        def ready() -> bool:
            programs.must_run(process, up_log)
            for spoiler in spoilers:
                programs.must_run(spoiler, log)
            far_sides = (folder / "host_key.pub").exists() and good.read(folder) is not None
            return far_sides and _answers(f"{settings.public_url}/readyz")

        wait_for("The system", ready, 240)
        yield System(backend, folder, settings, prefect, process, spoilers, far_ports)
        say("stopping everything")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).is_success
    except httpx.TransportError:
        return False


@contextmanager
def busy_cores(log: Path) -> Iterator[None]:
    """Keep every core busy with something else while the block runs, two at least."""
    with ExitStack() as opened:
        for _ in range(max(2, os.cpu_count() or 2)):
            command = [sys.executable, "-c", "while True: pass"]
            opened.enter_context(programs.running(command, inherited(), log))
        yield
