"""Look at one schedule: who owns it, what came of its due times, how well it does, and what keeps it from leaving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.executions import overview as counting
from mailroom.executions.overview import Deliveries
from mailroom.schedules import repository as stored
from mailroom.schedules.overview import repository as occurrences_of
from mailroom.schedules.overview.figures import PERIOD, Figures, figures_of
from mailroom.schedules.spec import ScheduleSpec
from mailroom.stops.coverage import covers, holding
from mailroom.storage.stop_tables import Stop
from mailroom.storage.tables import Execution, Report, Schedule, User
from mailroom.timing import BusinessCalendar, Timing, occurrences

PAST = 30
SOON = timedelta(days=7)
_MOST_SOON = 1_000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Hold what is beside a schedule: its owner, its report (None: deleted), and the stops that cover it.

    `held` is the stop for which everything of it waits; `stops` are all that cover some of it.
    """

    owner: User | None
    report: Report | None
    stops: tuple[Stop, ...] = ()
    held: Stop | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """The execution of a due time, and how many of its deliveries are confirmed."""

    execution: Execution
    deliveries: Deliveries


@dataclass(frozen=True, slots=True)
class Look:
    """Hold what one page says of a schedule.

    Attributes:
        past: what became of the last due times, the oldest first.
        ended: the last executions that have ended, whoever asked for them, the oldest first.
    """

    around: Surroundings
    past: Sequence[Past]
    ended: Sequence[Past]
    figures: Figures
    under_way: bool


async def look(session: AsyncSession, schedule: Schedule, spec: ScheduleSpec, *, now: datetime) -> Look:
    """Look at a schedule. Six statements, however many executions it has."""
    rows = await occurrences_of.last_occurrences(session, schedule.id, now=now, limit=PAST)
    ended = await occurrences_of.last_ended(session, schedule.id, limit=PAST)
    counts = await counting.delivery_counts(session, list({row.id for row in (*rows, *ended)}))
    return Look(
        around=await surroundings(session, schedule, spec),
        past=[Past(row, counts.get(row.id, Deliveries())) for row in rows],
        ended=[Past(row, counts.get(row.id, Deliveries())) for row in ended],
        figures=figures_of(await occurrences_of.ran_since(session, schedule.id, since=now - PERIOD)),
        under_way=await occurrences_of.under_way(session, schedule.id),
    )


async def surroundings(session: AsyncSession, schedule: Schedule, spec: ScheduleSpec) -> Surroundings:
    """Return what is beside a schedule, with one statement."""
    names = spec.connections()
    found = await stored.surroundings(session, schedule, names)
    of_it = {"schedule_id": schedule.id, "report_id": schedule.report_id}
    stops = found.standing.stops
    touching = tuple(stop for stop in stops if any(covers(stop, connection=name, **of_it) for name in names))
    return Surroundings(found.owner, found.report, touching, holding(stops, connections=names, **of_it))


def due_soon(timing: Timing, business: BusinessCalendar, *, now: datetime) -> int:
    """Count the due times of the next seven days, which fall away while the schedule is paused. Pure."""
    if timing.frequency == "immediate":
        return 0
    return sum(1 for _ in islice(occurrences(timing, now, business, until=now + SOON), _MOST_SOON))
