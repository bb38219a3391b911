"""One `mailroom up` that the tests of this folder share, and `mailroom` commands beside it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
import psutil

from mailroom.settings import Settings
from tests.support.processes import command_lines, with_variable
from tests.support.system import PORTS, System
from tests.support.waiting import eventually_sync

OWNER = "owner@example.com"
START_SECONDS = 240
Command = Callable[..., "subprocess.CompletedProcess[str]"]


class Up(System):
    """A system whose process, output and commands a test looks at; its owner is told of incidents at once."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, {"MAILROOM_OWNER_EMAIL": OWNER, "MAILROOM_INCIDENTS__TELL_AFTER_SECONDS": "1"})
        ports = {name.lower(): self.ports[name] for name in PORTS}
        self.configuration = Settings.model_validate({"data_dir": folder, "owner_email": OWNER, **ports})
        self.process: subprocess.Popen[bytes] | None = None
        self._said_before = 0

    def start(self) -> subprocess.Popen[bytes]:
        """Start it, and wait until it says that everything is there and takes runs."""
        self._said_before = len(self.output.read_bytes()) if self.output.exists() else 0
        self.process = process = self.begin()
        eventually_sync(
            lambda: "Press Ctrl-C to stop everything" in self.said() or process.poll() is not None, START_SECONDS
        )
        assert process.poll() is None, self.said()
        self.wait_until_ready()
        return process

    def said(self) -> str:
        """All that it has printed since its last start."""
        return self.output.read_bytes()[self._said_before :].decode(errors="replace")

    def command(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run another `mailroom` command beside it, in a process of its own."""
        command = [sys.executable, "-m", "cli.main", *arguments]
        environment = {**self.environment, **changes}
        return subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=240)

    def processes(self) -> list[psutil.Process]:
        """Every process that belongs to this data folder."""
        return with_variable("MAILROOM_DATA_DIR", str(self.folder))

    def process_with(self, words: str) -> psutil.Process:
        """The one process of this data folder whose command line has these words."""
        (found,) = [process for process, line in command_lines(self.processes()) if words in line]
        return found

    def kill_all(self) -> None:
        """For the end of a test that failed half-way."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()


def answers(port: int, path: str) -> bool:
    """Return true when a page of this machine is there."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=10, trust_env=False).is_success
    except httpx.TransportError:
        return False
