"""The stack under measurement: `mailroom up` on ports and a folder of its own, and an SMTP server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

PORTS = ("API_PORT", "PREFECT_PORT", "MAIL_WEB_PORT", "MAIL_SMTP_PORT")


class Sink:
    """A real SMTP server that counts what it takes, by recipient."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        self.taken.update(envelope.rcpt_tos)
        return "250 2.0.0 Ok: queued"


def free_ports(count: int) -> list[int]:
    """TCP ports that were free a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for found in sockets:
            found.bind(("127.0.0.1", 0))
        return [found.getsockname()[1] for found in sockets]


def wait_for(what: str, look: Callable[[], Any], seconds: float, every: float = 0.5) -> Any:
    """What `look` finds, as soon as it finds something; ends the bench when it does not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(every)
    raise SystemExit(f"{what} did not come within {seconds:g} s")


class Stack:
    """A running system, its SMTP sink and a client with the key."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.sink = Sink()
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self._environment = environment
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def prefect(self) -> str:
        """The Prefect API."""
        return f"http://127.0.0.1:{self.ports['PREFECT_PORT']}/api"

    @contextmanager
    def up(self) -> Iterator[httpx.Client]:
        """Everything runs while the block does."""
        own = {f"MAILROOM_{name}": str(port) for name, port in self.ports.items()}
        environment = {**os.environ, **own, **self._environment, "MAILROOM_DATA_DIR": str(self.folder)}
        controller = Controller(self.sink, hostname="127.0.0.1", port=free_ports(1)[0])
        controller.start()
        with (self.folder.parent / "up.log").open("ab") as log:
            command = [sys.executable, "-m", "cli.main", "up"]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
            try:
                root = f"http://127.0.0.1:{self.ports['API_PORT']}"
                wait_for("the API", lambda: _answers(f"{root}/readyz"), 180)
                key = (self.folder / "api-key").read_text().strip()
                headers = {"Authorization": f"Bearer {key}"}
                with httpx.Client(base_url=f"{root}/api/v1", headers=headers, timeout=60) as client:
                    _connect(client, controller.port)
                    yield client
            finally:
                self.process.send_signal(signal.SIGINT)
                self.process.wait(120)
                controller.stop()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.TransportError:
        return False


def _connect(client: httpx.Client, port: int) -> None:
    credentials = {"smtp_server": "127.0.0.1", "smtp_port": port, "smtp_type": "INSECURE"}
    settings = {"credentials": credentials, "from_address": "bench@example.com", "allow_plain": True}
    client.post("/connections", json={"name": "bench", "kind": "email", "settings": settings}).raise_for_status()
