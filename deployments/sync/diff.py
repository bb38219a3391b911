"""Compares a deployment as it should be with what Prefect has, and says what to do. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from deployments.sync.deployment_mark import digest_of
from deployments.sync.desired import Desired
from deployments.sync.observed import Observed


@dataclass(frozen=True, slots=True)
class Create:
    """The deployment is missing."""

    desired: Desired


@dataclass(frozen=True, slots=True)
class Update:
    """The deployment differs in `fields`."""

    desired: Desired
    observed: Observed
    fields: frozenset[str] = field(default_factory=frozenset)

    def changes(self) -> dict[str, list[Any]]:
        """Return what is in Prefect and what will be, by field; JSON-ready."""
        there, wanted = shown(self.observed), shown_by(self.desired)
        return {name: [there.get(name), wanted.get(name)] for name in sorted(self.fields)}


@dataclass(frozen=True, slots=True)
class Delete:
    """The deployment should not exist."""

    observed: Observed


Action = Create | Update | Delete


def shown_by(desired: Desired) -> dict[str, Any]:
    """Return what a desired deployment will show, JSON-ready."""
    return {
        "description": desired.description,
        "tags": sorted(desired.tags),
        "parameters": desired.parameters,
        "cron": desired.cron,
        "timezone": desired.timezone if desired.cron else None,
        "active": True,
        "extra schedules": 0,
        "paused": desired.paused,
        "entrypoint": desired.entrypoint,
        "work_pool": desired.work_pool,
        "directory": desired.directory,
        "job_variables": {},
    }


def shown(observed: Observed) -> dict[str, Any]:
    """Return what an observed deployment shows, in the form of `shown_by`."""
    return {
        "description": observed.description,
        "tags": list(observed.tags),
        "parameters": observed.parameters,
        "cron": observed.cron,
        "timezone": observed.timezone,
        "active": observed.active,
        "extra schedules": len(observed.extra),
        "paused": observed.paused,
        "entrypoint": observed.entrypoint,
        "work_pool": observed.work_pool,
        "directory": observed.directory,
        "job_variables": observed.job_variables,
    }


def diff(desired: Desired | None, observed: Observed | None) -> Action | None:
    """Return the one action that brings Prefect in step, or None where it is in step already."""
    if desired is None:
        return Delete(observed) if observed else None
    if observed is None:
        return Create(desired)
    wanted, there = shown_by(desired), shown(observed)
    changed = {name for name in wanted if wanted[name] != there[name]}
    mark = observed.mark
    if mark is None or mark.paused != desired.paused or mark.digest != digest_of(wanted):
        changed.add("mark")
    return Update(desired, observed, frozenset(changed)) if changed else None
