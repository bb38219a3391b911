"""Finds deployments that should not be there: copies made by hand, and those whose schedule is gone. Pure.

Only a deployment with all of our signs is a stray: our flow, the tag `mailroom` and the tag of one schedule. A person's
own deployment of our flow is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deployments.sync.desired import schedule_tag
from deployments.sync.observed import Observed
from mailroom.settings import CHECKOUT, Settings
from mailroom.states import ScheduleState

_PREFIX = schedule_tag("")


@dataclass(frozen=True, slots=True)
class Stray:
    """A deployment to remove, the schedule that its tag names, and why. `known`: our tables know that schedule."""

    observed: Observed
    schedule_id: str
    reason: str
    known: bool


def claimed_schedule(observed: Observed) -> str | None:
    """Return the schedule that a deployment says it belongs to, or None where it does not bear our signs."""
    named = [tag.removeprefix(_PREFIX) for tag in observed.tags if tag.startswith(_PREFIX)]
    return named[0] if "mailroom" in observed.tags and len(named) == 1 else None


def stray_of(observed: Observed, states: Mapping[str, ScheduleState], settings: Settings) -> Stray | None:
    """Return what makes this deployment of our flow a stray, or None; `states` has the schedules looked for."""
    schedule_id = claimed_schedule(observed)
    if schedule_id is None:
        return None
    state = states.get(schedule_id)
    if state is None:
        # Another Mailroom may use the same Prefect. Its deployments run from another place or on another pool.
        if (observed.directory, observed.work_pool) != (str(CHECKOUT), settings.work_pool):
            return None
        return Stray(observed, schedule_id, "its schedule does not exist", known=False)
    if observed.name != schedule_id:
        return Stray(observed, schedule_id, "it is a copy of the schedule's own deployment", known=True)
    if state is ScheduleState.DELETED:
        return Stray(observed, schedule_id, "its schedule is deleted", known=True)
    return None


def removable_strays(strays: Sequence[Stray], ours: int) -> list[Stray]:
    """Return the strays that are safe to delete.

    Many strays of unknown schedules suggest that this is the wrong database, so then none of those is deleted.
    """
    unknown = [found for found in strays if not found.known]
    return list(strays) if len(unknown) <= max(5, ours // 10) else [found for found in strays if found.known]
