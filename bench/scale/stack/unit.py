"""A process of the stack: started, killed without warning, and started again with nothing of the old one left."""

from __future__ import annotations

import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.peak.usage import Usage
from bench.scale.stack.versions import Version
from embedded.processes import guard
from mailroom.settings import CHECKOUT


@dataclass
class Unit:
    """A unit, as systemd calls it: one command and everything that it starts.

    Attributes:
        name: its own, such as `worker-1`.
        kind: what it is one of, such as `worker`.
        answers: tells whether it can be used now.
        started_at: when it was started last, in seconds since 1970.
        user: the account that it runs as, where that is another one than ours.
        last_signal: how it is asked to end in order.
        version: of Mailroom, that it is started with; None: the one of this checkout.
        host: the number of its host; 0: the middle.
        inside: the words before its command that run it there.
    """

    name: str
    kind: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    answers: Callable[[], bool]
    user: str | None = None
    last_signal: signal.Signals = signal.SIGTERM
    version: Version | None = None
    host: int = 0
    inside: Sequence[str] = ()
    wanted: bool = False
    starts: int = 0
    started_at: float = 0.0
    process: psutil.Popen | None = None
    _spent: float = 0.0
    _mark: str = field(default_factory=lambda: secrets.token_hex(16))

    def start(self) -> None:
        """Start it, after what is left of its last life has ended."""
        if self.starts:
            guard.sweep(self._mark, patience=0)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command, environment = list(self.command), dict(self.environment)
        if self.version is not None:
            command, environment = self.version.command(command), self.version.environment(environment)
        with self.log.open("ab") as output:
            self.process = psutil.Popen(
                [*self.inside, *command],
                env={**environment, guard.MARK: self._mark},
                cwd=CHECKOUT if self.user is None else self.log.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self.user,
            )
        self.wanted = True
        self.starts += 1
        self.started_at = time.time()

    @property
    def runs(self) -> bool:
        """Tell whether its main process is there."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        """Return the id of its main process."""
        assert self.process is not None, f"{self.name} has not been started"
        return self.process.pid

    @property
    def cpu(self) -> float:
        """Return the CPU seconds that it has used so far, in all its lives that were ended by `kill`."""
        return self._spent + (self._used() if self.process is not None else 0.0)

    def _used(self) -> float:
        usage = Usage()
        usage.sample([psutil.Process(self.pid)] if self.runs else [])
        return sum(usage.cpu.values())

    def kill(self) -> None:
        """End the main process as when its machine takes it away; the keeper starts it again."""
        if self.process is not None and self.process.poll() is None:
            self._spent += self._used()
            self.process.kill()

    def ask_to_end(self) -> None:
        """Ask it to end in order, for good."""
        self.wanted = False
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.last_signal)

    def stop(self, patience: float = 30) -> None:
        """End it in order, and whatever it started; for good."""
        if self.wanted:
            self.ask_to_end()
        if self.process is None:
            return
        if self.process.poll() is None:
            try:
                self.process.wait(patience)
            except psutil.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        guard.sweep(self._mark, patience=0)

    def last_lines(self, count: int = 15) -> str:
        """Return the end of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-count:])
