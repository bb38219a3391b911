"""Run services as plain processes: each as soon as what it depends on is healthy or done, as Compose would."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ENDED_WITHIN = 60
CHECKED_EVERY = 2.0
"""Seconds between two checks, since each starts an interpreter; Compose leaves 5 s and more."""


@dataclass
class Service:
    """One process: how it is started, by what it is seen to be healthy, and what has to be so before.

    Attributes:
        after: names of other services, each with `service_healthy` or `service_completed_successfully`.
        healthy: the command whose status 0 says that it is well; empty: it is as soon as it runs.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    after: Mapping[str, str] = field(default_factory=dict)
    healthy: Sequence[str] = ()


class Stack:
    """Starts services in their order, and ends them in reverse. `there` names those that run elsewhere."""

    def __init__(self, services: Sequence[Service], logs: Path, there: Sequence[str] = ()) -> None:
        self._services, self._logs = services, logs
        self._met: dict[str, set[str]] = {name: {"service_healthy"} for name in there}
        self._checked: dict[str, float] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.statuses: dict[str, int] = {}

    def start(self, seconds: float = 420) -> None:
        """Start all, and wait until each is healthy or has ended well."""
        deadline = time.monotonic() + seconds
        checks: dict[str, subprocess.Popen[bytes]] = {}
        while any(self._wanted(one) not in self._met.get(one.name, ()) for one in self._services):
            for one in self._services:
                if one.name not in self.processes and self._may_start(one):
                    self.processes[one.name] = self._begin(one, one.command, self._log(one.name))
                elif one.name in self.processes:
                    self._look(one, checks)
            if time.monotonic() > deadline:
                pytest.fail(f"Not all came up. {self.told()}")
            time.sleep(0.1)

    def _wanted(self, one: Service) -> str:
        done = "service_completed_successfully"
        return done if any(other.after.get(one.name) == done for other in self._services) else "service_healthy"

    def _may_start(self, one: Service) -> bool:
        return all(condition in self._met.get(name, ()) for name, condition in one.after.items())

    def _look(self, one: Service, checks: dict[str, subprocess.Popen[bytes]]) -> None:
        met = self._met.setdefault(one.name, set())
        wanted = self._wanted(one)
        status = self.processes[one.name].poll()
        if wanted in met:
            return
        if status is not None:
            if status or wanted == "service_healthy":
                pytest.fail(f"{one.name} ended with {status}. {self.told()}")
            met.add(wanted)
        elif wanted == "service_healthy" and not one.healthy:
            met.add(wanted)
        elif wanted == "service_healthy":
            check = checks.get(one.name)
            if check is None:
                if time.monotonic() < self._checked.get(one.name, 0) + CHECKED_EVERY:
                    return
                self._checked[one.name] = time.monotonic()
                checks[one.name] = self._begin(one, one.healthy, self._log(f"{one.name}-health"))
            elif (found := check.poll()) is not None:
                del checks[one.name]
                if found == 0:
                    met.add(wanted)

    def _begin(self, one: Service, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                command, env=dict(one.environment), cwd=self._logs, stdout=output, stderr=subprocess.STDOUT
            )

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def told(self) -> str:
        """Return the last lines of every log."""
        return "\n".join(f"== {path.stem}\n{path.read_text()[-1500:]}" for path in sorted(self._logs.glob("*.log")))

    def stop(self) -> None:
        """End all as Docker and systemd do, by SIGTERM, and note how each ended."""
        for name, process in reversed(self.processes.items()):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(ENDED_WITHIN)
                except subprocess.TimeoutExpired:
                    process.kill()
            self.statuses[name] = process.wait()
