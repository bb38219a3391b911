"""Kills one process of each kind with SIGKILL while the peak is delivered, at even steps of what is delivered.

A whole host may be lost as well: see `options.HOSTS`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psutil

from bench.peak.waiting import say
from bench.scale.going_on import Kill, Probes
from bench.scale.options import HOSTS
from bench.scale.stack.unit import Unit
from bench.scale.stack.whole import Whole

CUT_SECONDS = 45.0
"""How long a host is cut off: longer than the leases of 30 s, so that the others take over what it had in hand."""
_OF_WORKERS = ("child", *HOSTS)


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
        if number == len(self.kinds) or delivered < step(number, len(self.kinds), self.due):
            return
        kind = self.kinds[number]
        if kind in HOSTS and self.whole.hosts.cut_off:
            return  # One host after the other: there are two.
        self._kill(kind)

    def _kill(self, kind: str) -> None:
        unit = self._victim("worker" if kind in _OF_WORKERS else kind)
        now = time.time()
        kill = Kill(kind, unit.name, now, round(now - self.due_at, 1))
        self.done.append(kill)
        if kind in HOSTS:
            self._lose(unit, kill)
        elif kind == "child":
            victim = working_child(unit)
            if victim is None:
                say(f"{unit.name} has no process to kill")
                return
            victim.kill()
            self.probes.follow(kill, None)
        else:
            unit.kill()
            self.probes.follow(kill, lambda starts=unit.starts: unit.starts > starts and unit.answers())  # type: ignore[misc]  # mypy knows no default here
        what = {"child": f"a process of {unit.name}", "network": f"host {unit.host}, cut off"}
        what["power"] = f"everything on host {unit.host}, cut off"
        say(f"KILLED {what.get(kind, unit.name)}, {kill.after_s:.0f} s after the due minute")

    def _victim(self, kind: str) -> Unit:
        """Return the last unit of a kind whose host is not cut off: what is there is lost already."""
        return [unit for unit in self.whole.of(kind) if unit.host not in self.whole.hosts.cut_off][-1]

    def _lose(self, worker: Unit, kill: Kill) -> None:
        """Cut the worker's host off for a while; nobody is told, as when a cable is pulled."""
        hosts, number = self.whole.hosts, worker.host
        hosts.cut(number)
        if kill.kind == "power":
            for unit in self.whole.units.values():
                if unit.host == number:
                    unit.kill()
        joined: list[datetime] = []

        def join() -> None:
            hosts.join(number)
            joined.append(datetime.now(UTC))
            say(f"host {number} is joined again")

        timer = threading.Timer(CUT_SECONDS, join)
        timer.daemon = True
        timer.start()
        self.probes.follow(kill, lambda: bool(joined) and self.whole.worker_heard(worker.name, joined[0]))


def working_child(worker: Unit) -> psutil.Process | None:
    """Return one of the processes that run flows: they have no children themselves."""
    try:
        below = psutil.Process(worker.pid).children(recursive=True)
        leaves = [process for process in below if not process.children()]
    except psutil.NoSuchProcess:
        return None
    return max(leaves, key=lambda process: process.cpu_times().user, default=None)
