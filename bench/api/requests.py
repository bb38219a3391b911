"""Choose what people ask for: mostly lists and single things, now and then a change."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.api.data import Person, body
from mailroom.roles import Role


@dataclass(frozen=True)
class Asked:
    """One request. `kind` is what it is counted under; `good` are the answers that are no error."""

    kind: str
    method: str
    path: str
    json: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    good: tuple[int, ...] = (200,)


MERGE = {"Content-Type": "application/merge-patch+json"}
Make = Callable[[Person, random.Random], Asked]


def _own(person: Person, pick: random.Random, path: str) -> str:
    return path.format(schedule=pick.choice(person.schedules), execution=pick.choice(person.executions))


def _read(kind: str, path: str) -> Make:
    return lambda person, pick: Asked(kind, "GET", _own(person, pick, path) if "{" in path else path)


def _rename(person: Person, pick: random.Random) -> Asked:
    path, name = _own(person, pick, "/schedules/{schedule}"), f"Renamed {pick.randrange(1_000_000)}"
    return Asked("change a schedule", "PATCH", path, {"name": name}, MERGE)


def _pause(person: Person, pick: random.Random) -> Asked:
    return Asked("pause a schedule", "POST", _own(person, pick, "/schedules/{schedule}/pause"), good=(200, 409))


def _create(_person: Person, pick: random.Random) -> Asked:
    # A limit of schedules for each user refuses it, which is an answer that people get.
    made = body(1_000_000 + pick.randrange(1_000_000))
    return Asked("create a schedule", "POST", "/schedules/", made, good=(201, 409, 422))


def _preview(_person: Person, pick: random.Random) -> Asked:
    timing = {"frequency": "daily", "at": f"{pick.randrange(24):02d}:30", "timezone": "Europe/Berlin"}
    return Asked("preview a timing", "POST", "/schedules/preview", {"timing": timing})


# How often each comes among a hundred requests.
FOR_ALL: tuple[tuple[int, Make], ...] = (
    (30, _read("list schedules", "/schedules/?limit=50")),
    (15, _read("list executions", "/schedules/executions?limit=50")),
    (10, _read("list deliveries", "/deliveries?limit=50")),
    (8, _read("list notifications", "/notifications?limit=50")),
)
FOR_OWNERS: tuple[tuple[int, Make], ...] = (
    (12, _read("read a schedule", "/schedules/{schedule}")),
    (8, _read("read a history", "/schedules/{schedule}/history?limit=50")),
    (7, _read("read an execution", "/executions/{execution}")),
    (4, _preview),
    (3, _rename),
    (2, _pause),
    (1, _create),
)


def ask(person: Person, pick: random.Random) -> Asked:
    """Return what this person asks for next."""
    choices = FOR_ALL if person.role is Role.VIEWER else (*FOR_ALL, *FOR_OWNERS)
    (make,) = pick.choices([made for _, made in choices], [weight for weight, _ in choices])
    return make(person, pick)
