"""Apply every rule to one schedule. Pure: what it is compared with is passed in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from mailroom.schedules.conflicts.connections import LastCheck, unproven
from mailroom.schedules.conflicts.crowded import crowded_minute
from mailroom.schedules.conflicts.duplicates import duplicate
from mailroom.schedules.conflicts.files import same_file
from mailroom.schedules.conflicts.load import Load
from mailroom.schedules.conflicts.parties import Party
from mailroom.schedules.conflicts.rules import ends_soon, idle, runs_exceed_interval
from mailroom.schedules.conflicts.warning import Code, ScheduleWarning


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The data that a schedule is compared with.

    Attributes:
        load: of all other active schedules, over `crowded.span`.
        durations: of the last runs of the schedule, or of its report while it has too few.
        unseen: how many more schedules share something with it than were looked at.
        checks: how the last check of each connection that it uses ended.
    """

    load: Load
    durations: Sequence[dt.timedelta] = ()
    unseen: int = 0
    checks: Sequence[LastCheck] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits above which a warning is given: see `mailroom.settings`."""

    duplicate_window: dt.timedelta = dt.timedelta(hours=1)
    runs_per_minute: int = 60


def conflicts(
    mine: Party,
    others: Sequence[Party],
    now: dt.datetime,
    around: Surroundings,
    limits: Limits,
    *,
    overlap: str = "skip",
) -> list[ScheduleWarning]:
    """Return the warnings about `mine`, in an order that does not depend on the order of `others`.

    Args:
        others: active schedules that share a key with it; itself among them is passed over.
        overlap: its policy for a run that is due while another one goes on.
    """
    found = [ends_soon(mine, now), idle(mine, now)]
    for other in sorted(others, key=lambda party: party.schedule_id or ""):
        if mine.schedule_id is not None and other.schedule_id == mine.schedule_id:
            continue
        found.append(duplicate(mine, other, now, limits.duplicate_window))
        found += same_file(mine, other, now)
    found.append(_not_compared(around.unseen))
    found.append(crowded_minute(mine, now, around.load, limits.runs_per_minute))
    found.append(runs_exceed_interval(mine, now, around.durations, overlap))
    found += unproven(around.checks)
    return [warning for warning in found if warning is not None]


def _not_compared(unseen: int) -> ScheduleWarning | None:
    if not unseen:
        return None
    message = (
        f"{unseen} more schedules share a file, or the report and a recipient, with this one; their times were not "
        "compared. Use a path that no other schedule uses, or remove recipients who already get the report."
    )
    return ScheduleWarning(Code.NOT_COMPARED, message, {"schedules": unseen})
