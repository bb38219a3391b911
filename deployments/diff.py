"""What to do so that Prefect shows what we want. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from deployments.desired import Desired
from deployments.observed import Observed


@dataclass(frozen=True, slots=True)
class Create:
    """The deployment is missing."""

    desired: Desired


@dataclass(frozen=True, slots=True)
class Update:
    """It differs in `fields`."""

    desired: Desired
    observed: Observed
    fields: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Delete:
    """It should be gone."""

    observed: Observed


Action = Create | Update | Delete


def diff(desired: Desired | None, observed: Observed | None) -> Action | None:
    """The one action that brings Prefect in step, or None where it is."""
    if desired is None:
        return Delete(observed) if observed else None
    if observed is None:
        return Create(desired)
    pairs = {
        "description": (desired.description, observed.description),
        "tags": (tuple(sorted(desired.tags)), observed.tags),
        "parameters": (desired.parameters, observed.parameters),
        "cron": (desired.cron, observed.cron),
        "timezone": (desired.timezone if desired.cron else None, observed.timezone),
        "schedules": (1 if desired.cron else 0, observed.schedules),
        "paused": (desired.paused, observed.paused),
        "entrypoint": (desired.entrypoint, observed.entrypoint),
        "work_pool": (desired.work_pool, observed.work_pool),
        "directory": (desired.directory, observed.directory),
    }
    changed = frozenset(name for name, (wanted, there) in pairs.items() if wanted != there)
    return Update(desired, observed, changed) if changed else None
