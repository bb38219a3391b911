"""The changes of a schedule's state."""

from __future__ import annotations

from datetime import datetime

from mailroom.states import ScheduleState, SyncState
from mailroom.storage.tables import Schedule


def set_state(schedule: Schedule, state: ScheduleState, now: datetime) -> None:
    """Move a schedule on our own account; Prefect is told by the next pass."""
    schedule.state, schedule.is_active = state, state is ScheduleState.ACTIVE
    schedule.next_run = schedule.next_run if state is ScheduleState.ACTIVE else None
    schedule.generation += 1
    schedule.sync_state, schedule.updated_at = SyncState.PENDING, now
