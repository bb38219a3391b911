"""What Prefect should show for a schedule. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reports.schedule_spec import stored_spec
from reports.settings import CHECKOUT, Settings
from reports.states import ScheduleState
from reports.tables import Schedule
from reports.timing import Timing
from reports.timing.model import WEEKDAYS, BusinessDay, Cron, Daily, Immediate, Monthly, NthWeekday, Once, Weekly

FLOW_NAME = "report-export"
ENTRYPOINT = "flows/report_export.py:report_export"
SCHEDULE_SLUG = "timing"


@dataclass(frozen=True, slots=True)
class Desired:
    """A deployment as we want it; `cron` None means that nothing fires by itself.

    `cron` fires on every occurrence of the timing and, where five fields cannot say it, on more; the run's claim
    ends what is not an occurrence.
    """

    name: str
    description: str
    tags: tuple[str, ...]
    parameters: dict[str, Any]
    cron: str | None
    timezone: str
    paused: bool
    entrypoint: str
    work_pool: str
    directory: str
    generation: int


def schedule_tag(schedule_id: str) -> str:
    """The tag by which a schedule's runs are found, even when the deployment is gone."""
    return f"schedule:{schedule_id}"


def cron_of(timing: Timing) -> str | None:
    """Five fields that fire on at least every occurrence of the timing, or None for `immediate`."""
    match timing:
        case Immediate():
            return None
        case Cron():
            moves = timing.on_holiday in ("next", "previous")
            minute, hour, *_ = timing.expression.split()
            return f"{minute} {hour} * * *" if moves else timing.expression
        case Once():
            return f"{timing.at.minute} {timing.at.hour} {timing.at.day} {timing.at.month} *"
    clock = f"{timing.at.minute} {timing.at.hour}"
    if timing.on_holiday in ("next", "previous"):
        return f"{clock} * * *"
    match timing:
        case Daily():
            return f"{clock} * * *"
        case Weekly():
            return f"{clock} * * {','.join(day for day in WEEKDAYS if day in timing.days)}"
        case Monthly():
            return f"{clock} {_month_days(timing)}"


def _month_days(timing: Monthly) -> str:
    """The fields day-of-month, month and day-of-week."""
    match timing.day:
        case int(day):
            return f"{day} * *" if day <= 28 else "28-31 * *"
        case NthWeekday(nth=-1, weekday=weekday):
            return f"* * {weekday}"
        case NthWeekday(nth=nth, weekday=weekday):
            return f"* * {weekday}#{nth}"
        case BusinessDay():
            return "* * *"
        case _:
            return "L * *"


def desired(schedule: Schedule, settings: Settings) -> Desired | None:
    """The deployment for a schedule, or None for a deleted one."""
    if schedule.state is ScheduleState.DELETED:
        return None
    timing = stored_spec(schedule).timing
    return Desired(
        name=schedule.id,
        description=f"{schedule.name}\n\nManaged by Mailroom: change the schedule there.",
        tags=("mailroom", f"report:{schedule.report_id}", schedule_tag(schedule.id)),
        parameters={"schedule_id": schedule.id},
        cron=cron_of(timing),
        timezone=timing.timezone,
        paused=schedule.state is not ScheduleState.ACTIVE,
        entrypoint=ENTRYPOINT,
        work_pool=settings.work_pool,
        directory=str(CHECKOUT),
        generation=schedule.generation,
    )
