"""Kills one process of each kind with SIGKILL while the peak is delivered, at even steps of what is delivered."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import psutil

from bench.peak.waiting import say
from bench.scale.going_on import Kill, Probes
from bench.scale.stack.unit import Unit
from bench.scale.stack.whole import Whole


def step(number: int, kills: int, due: int) -> int:
    """Return how many must be delivered before the kill of that number, from 0. Pure."""
    return max(1, due * (number + 1) // (kills + 2))


@dataclass
class Killer:
    """Kills in the order of the kinds."""

    whole: Whole
    probes: Probes
    kinds: Sequence[str]
    due: int
    due_at: float
    done: list[Kill] = field(default_factory=list)

    def look(self, delivered: int) -> None:
        """Kill the next one if enough is delivered."""
        number = len(self.done)
        if number < len(self.kinds) and delivered >= step(number, len(self.kinds), self.due):
            self._kill(self.kinds[number])

    def _kill(self, kind: str) -> None:
        unit = self.whole.of("worker" if kind == "child" else kind)[-1]
        now = time.time()
        kill = Kill(kind, unit.name, now, round(now - self.due_at, 1))
        self.done.append(kill)
        if kind == "child":
            victim = working_child(unit)
            if victim is None:
                say(f"{unit.name} has no process to kill")
                return
            victim.kill()
            self.probes.follow(kill, None)
        else:
            unit.kill()
            self.probes.follow(kill, unit)
        what = f"a process of {unit.name}" if kind == "child" else unit.name
        say(f"KILLED {what}, {kill.after_s:.0f} s after the due minute")


def working_child(worker: Unit) -> psutil.Process | None:
    """Return one of the processes that run flows: they have no children themselves."""
    try:
        below = psutil.Process(worker.pid).children(recursive=True)
        leaves = [process for process in below if not process.children()]
    except psutil.NoSuchProcess:
        return None
    return max(leaves, key=lambda process: process.cpu_times().user, default=None)
