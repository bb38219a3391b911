"""The supervisor: starts again what has died, a second later, as `Restart=always` with `RestartSec=1` does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.scale.stack.unit import Unit

_LOOK_EVERY = 0.1


@dataclass
class Keeper:
    """Looks after units in a thread of its own.

    Attributes:
        pause: seconds between a death and the new start.
        deaths: the names of units that died, each as often as it did.
    """

    units: Sequence[Unit]
    pause: float = 1.0
    deaths: list[str] = field(default_factory=list)
    failure: BaseException | None = None
    _died: dict[str, float] = field(default_factory=dict)
    _ending: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Keep every wanted unit alive while the block runs.

        Raises:
            RuntimeError: one could not be started again.
        """
        thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ending.set()
            thread.join(30)
        if self.failure is not None:
            raise RuntimeError("The keeper could not start a process again.") from self.failure

    def _run(self) -> None:
        try:
            while not self._ending.wait(_LOOK_EVERY):
                self._look()
        except Exception as error:  # Told by `keeping`, in the thread that waits for the units.
            self.failure = error

    def _look(self) -> None:
        now = time.monotonic()
        for unit in self.units:
            if not unit.wanted or unit.runs:
                continue
            if unit.name not in self._died:
                self._died[unit.name] = now
                self.deaths.append(unit.name)
            elif now >= self._died[unit.name] + self.pause:
                unit.start()
                del self._died[unit.name]
