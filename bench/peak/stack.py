"""The stack under measurement: `mailroom up` on ports and in a folder of its own, and a mail server."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psutil

from bench.peak import backends, programs, work
from bench.peak.backends import Backend
from bench.peak.sink import Sink
from bench.peak.waiting import free_ports, say, wait_for
from embedded.samples import load_flights

PORTS = ("API_PORT", "PREFECT_PORT", "MAIL_WEB_PORT", "MAIL_SMTP_PORT")


def flights_of(folder: Path) -> Path:
    """The sample data, made once a bench; each data folder gets a copy at the place where it is looked for."""
    data = folder / "data" / "samples"
    data.mkdir(parents=True)
    made = folder.parent / "flights.db"
    load_flights(made)
    return Path(shutil.copy(made, data / "flights.db"))


def renderings(log: Path, prefix: str) -> int:
    """Count the renderings of reports with this prefix in the renderers' log."""
    return len(re.findall(rf"\b{prefix}-\d+ \([\w, ]+\): done after", log.read_text(errors="replace")))


def inherited() -> dict[str, str]:
    """Our environment without what is set for another Mailroom or Prefect."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("MAILROOM_", "PREFECT_"))}


class Stack:
    """A running system, the mail server, and a client with the key."""

    def __init__(self, backend: Backend, process: psutil.Popen, environment: dict[str, str], sink: Sink) -> None:
        self.backend, self.sink, self.environment = backend, sink, environment
        self._process = process
        self.prefect = f"http://127.0.0.1:{environment['MAILROOM_PREFECT_PORT']}/api"
        self.url = f"http://127.0.0.1:{environment['MAILROOM_API_PORT']}"

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.backend.folder

    @property
    def roots(self) -> list[psutil.Process]:
        """Everything that belongs to it starts here."""
        return [self._process, *self.backend.roots]

    @property
    def client(self) -> httpx.Client:
        """A new client of our API."""
        key = (self.data / "api-key").read_text().strip()
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=120, trust_env=False)

    def ask_prefect(self, path: str, body: object, method: str = "POST") -> httpx.Response:
        """One call of Prefect's API."""
        answer = httpx.request(method, f"{self.prefect}{path}", json=body, timeout=60, trust_env=False)
        return answer.raise_for_status()


@contextmanager
def up(kind: str, folder: Path, settings: dict[str, str] | None = None) -> Iterator[Stack]:
    """Everything runs while the block does, on databases of the kind, below `folder`, which must be new."""
    folder.mkdir()
    with ExitStack() as opened:
        backend = opened.enter_context(backends.opened(kind, folder))
        flights_of(folder)
        ports = {f"MAILROOM_{name}": str(port) for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)}
        own = {**ports, **backend.environment, **(settings or {}), "MAILROOM_DATA_DIR": str(backend.folder)}
        environment = {**inherited(), **own}
        sink = Sink()
        opened.enter_context(sink.serving())
        log = folder / "up.log"
        say(f"starting the stack on {kind}")
        command = [sys.executable, "-m", "cli.main", "up"]
        process = opened.enter_context(programs.running(command, environment, log))
        stack = Stack(backend, process, environment, sink)

        def ready() -> bool:
            programs.must_run(process, log)
            return _answers(f"{stack.url}/readyz")

        wait_for("The stack", ready, 180)
        with stack.client as client:
            _connect(client, sink.port)
            _warm_up(client, sink)
        yield stack
        say("stopping the stack")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.TransportError:
        return False


def _warm_up(client: httpx.Client, sink: Sink) -> None:
    """One delivery from end to end, so that no part starts up under measurement."""
    client.post("/reports", json=work.report(0, "warm")).raise_for_status()
    body = work.schedule(0, 1, {"frequency": "immediate"}, "warm")
    client.post("/schedules/", json=body).raise_for_status()
    wait_for("The first mail", sink.taken.total, 180)
    sink.clear()


def _connect(client: httpx.Client, port: int) -> None:
    credentials = {"smtp_server": "127.0.0.1", "smtp_port": port, "smtp_type": "INSECURE"}
    # By default a mail connection sends 10 a second; this one is a sink, and what is measured is everything else.
    settings = {"credentials": credentials, "from_address": "bench@example.com", "allow_plain": True}
    settings |= {"max_per_second": None}
    client.post("/connections", json={"name": "bench", "kind": "email", "settings": settings}).raise_for_status()
