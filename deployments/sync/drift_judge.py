"""Decides who changed a deployment, and what follows: an edit by hand is undone, a pause is adopted. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from deployments.sync.deployment_mark import digest_of
from deployments.sync.desired import Desired
from deployments.sync.diff import Action, Create, Update, diff, shown
from deployments.sync.observed import Observed
from mailroom.states import ScheduleState, SyncState
from mailroom.storage.tables import Schedule


class Wish(StrEnum):
    """The wish that a person expressed with the switch in Prefect's interface."""

    PAUSE = "pause"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class DriftVerdict:
    """The decision about one schedule.

    `wish` is adopted into the schedule first. `by_hand`: the action undoes what somebody did in Prefect.
    """

    action: Action | None
    wish: Wish | None = None
    by_hand: bool = False


def judge_drift(schedule: Schedule, desired: Desired | None, observed: Observed | None) -> DriftVerdict:
    """Decide what to do about one schedule; `desired` is the deployment that this schedule should have."""
    action = diff(desired, observed)
    in_step = schedule.sync_state is SyncState.SYNCED and schedule.observed_generation == schedule.generation
    if desired is None or observed is None:
        return DriftVerdict(action, by_hand=in_step and isinstance(action, Create))
    mark = observed.mark
    # Where the mark is gone, our own table is the next best record of what was written last.
    written_paused = mark.paused if mark else desired.paused if in_step else None
    paused = observed.paused or not observed.active
    wish = None
    if schedule.state is ScheduleState.ACTIVE and paused and written_paused is False:
        wish = Wish.PAUSE
    if schedule.state is ScheduleState.PAUSED and not paused and written_paused is True:
        wish = Wish.RESUME
    untouched = mark is not None and mark.digest == digest_of(shown(observed)) and mark.paused == paused
    visible = isinstance(action, Update) and action.fields != {"mark"}
    return DriftVerdict(action, wish, by_hand=in_step and visible and not untouched)
