"""Change schedules while two API processes are there: each step by one of them, seen by the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support.rolling.people import Made, People


@dataclass
class Story:
    """One schedule's life after another, a step a minute: the steps alternate between the two API processes."""

    people: People
    first: str
    second: str
    made: Made | None = None
    done: int = 0
    _steps: tuple[str, ...] = field(default=("create", "edit", "pause", "resume", "delete"))

    def step(self) -> None:
        """Do the next step by one process, and see by the other that it is done."""
        number = self.done % len(self._steps)
        name, here, there = self._steps[number], *self._sides()
        if name == "create":
            self.made = self.people.create(here)
        made = self.made
        assert made is not None, "a schedule is created first"
        known: dict[str, Callable[[], None]] = {
            "edit": lambda: self.people.edit(here, made, every=2),
            "pause": lambda: self.people.pause(here, made),
            "resume": lambda: self.people.resume(here, made, every=2),
            "delete": lambda: self.people.delete(here, made),
        }
        known.get(name, lambda: None)()
        found = self.people.read(there, made)
        wanted = {"pause": "paused", "delete": "deleted"}.get(name, "active")
        assert found["state"] == wanted, f"{there} sees {found['state']} after {name} by {here}"
        self.done += 1

    def _sides(self) -> tuple[str, str]:
        sides = (self.first, self.second)
        return sides if self.done % 2 == 0 else (self.second, self.first)
