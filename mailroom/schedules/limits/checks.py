"""Find what of a schedule is beyond the limits of its owner, when it is saved. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from mailroom.errors import Fault
from mailroom.limits.recipients import recipient_faults
from mailroom.limits.spec import Limits
from mailroom.schedules.forecast import timing_faults
from mailroom.schedules.spec import ScheduleSpec
from mailroom.timing import BusinessCalendar, Timing
from prefect_mailroom.channels.base import Destination


def limit_faults(
    spec: ScheduleSpec,
    limits: Limits,
    business: BusinessCalendar,
    *,
    now: datetime,
    before: ScheduleSpec | None = None,
) -> list[Fault]:
    """Return the faults of a timing, which may be due too often, and of the recipients.

    Args:
        before: what the schedule is until now. A limit that was lowered since keeps nobody from changing the rest of
            it: an unchanged timing is not asked again, and there may be as many recipients as before.
    """
    unchanged = before is not None and (before.timing, before.timing.calendar) == (spec.timing, spec.timing.calendar)
    targets = before.targets() if before is not None else []
    return draft_faults(
        spec.timing, spec.targets(), limits, business, now=now, before=targets, unchanged_timing=unchanged
    )


def draft_faults(
    timing: Timing,
    targets: Sequence[Destination],
    limits: Limits,
    business: BusinessCalendar,
    *,
    now: datetime,
    before: Sequence[Destination] = (),
    unchanged_timing: bool = False,
) -> list[Fault]:
    """Return the same for a part of a schedule, as a preview has it."""
    least = timedelta() if unchanged_timing else limits.interval
    return [
        *timing_faults(timing, business, now=now, least=least, ask=limits.contact),
        *recipient_faults(targets, limits, before=before),
    ]
