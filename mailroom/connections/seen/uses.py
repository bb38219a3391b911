"""Find the users of a connection: schedules through their destinations, reports through their source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Result, Text, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.reach import of_reports, of_schedules
from mailroom.access.viewer import Viewer
from mailroom.errors import Fault
from mailroom.states import ScheduleState
from mailroom.storage.model.schedules.lists import ScheduleDestination
from mailroom.storage.tables import Report, Schedule

MOST_NAMED = 100
"""So many schedules, and so many reports, are named; the rest is counted."""
_IN_WORDS = 5


@dataclass(frozen=True, slots=True)
class User:
    """A schedule or report that uses a connection, and that the viewer may see. `state` is a schedule's alone."""

    id: str
    name: str
    state: ScheduleState | None = None


@dataclass(frozen=True, slots=True)
class Uses:
    """The users of a connection, by name.

    Attributes:
        more_schedules, more_reports: how many there are besides those that are named: the viewer may not see them, or
            there are too many.
    """

    schedules: list[User]
    reports: list[User]
    more_schedules: int
    more_reports: int

    @property
    def count(self) -> int:
        """Return how many there are in all."""
        return len(self.schedules) + len(self.reports) + self.more_schedules + self.more_reports

    def faults(self) -> list[Fault]:
        """Return each user as what is in the way of a deletion."""
        named = [
            *(
                Fault(f"schedules.{one.id}", f"The schedule '{one.name}' ({one.state}) uses it.")
                for one in self.schedules
            ),
            *(Fault(f"reports.{one.id}", f"The report '{one.name}' reads from it.") for one in self.reports),
        ]
        counted = (("schedules", self.more_schedules), ("reports", self.more_reports))
        return [*named, *(Fault(what, f"{more} more {what} use it.") for what, more in counted if more)]


async def of_connection(session: AsyncSession, name: str, *, viewer: Viewer) -> Uses:
    """Return the schedules (not deleted) and the reports that use a connection, as far as the viewer may see them."""
    using = (Schedule.state != ScheduleState.DELETED, _sends_through(name))
    schedules = select(Schedule.id, Schedule.name, Schedule.state).where(*using, of_schedules(viewer))
    named = await session.execute(schedules.order_by(Schedule.name, Schedule.id).limit(MOST_NAMED))
    in_all = await session.scalar(select(func.count()).select_from(Schedule).where(*using)) or 0
    by_schedule = [User(row[0], row[1], row[2]) for row in named]
    reports = select(Report.id, Report.title, Report.definition, _seen(of_reports(viewer)))
    # The text narrows it down; the decision is made on the parsed value below.
    narrowed = cast(Report.definition, Text).contains(name, autoescape=True)
    rows = await session.execute(reports.where(Report.is_active, narrowed).order_by(Report.id))
    by_report = [
        (User(row[0], row[1]), bool(row[3])) for row in rows if row[2].get("source", {}).get("connection") == name
    ]
    named_reports = _named(by_report)
    return Uses(by_schedule, named_reports, in_all - len(by_schedule), len(by_report) - len(named_reports))


def _sends_through(name: str) -> ColumnElement[bool]:
    return Schedule.id.in_(select(ScheduleDestination.schedule_id).where(ScheduleDestination.connection == name))


async def counts(session: AsyncSession) -> dict[str, int]:
    """Return how many schedules (not deleted) and reports use each connection that is used, by one query for each."""
    name = ScheduleDestination.connection
    schedules = (
        select(name, func.count(Schedule.id.distinct()))
        .join(Schedule, Schedule.id == ScheduleDestination.schedule_id)
        .where(Schedule.state != ScheduleState.DELETED)
        .group_by(name)
    )
    found = Counter(dict(_pairs(await session.execute(schedules))))
    source = Report.definition["source"]["connection"].as_string()
    reports = select(source, func.count()).where(Report.is_active).group_by(source)
    return found + Counter(dict(_pairs(await session.execute(reports))))


def _pairs(rows: Result[Any]) -> list[tuple[str, int]]:
    return [(row[0], row[1]) for row in rows if row[0] is not None]


def refusal(name: str, used: Uses) -> str:
    """Return in words that a connection is in use, with the first users. Pure."""
    users = [f"schedule '{one.name}'" for one in used.schedules] + [f"report '{one.id}'" for one in used.reports]
    shown = users[:_IN_WORDS]
    if more := used.count - len(shown):
        shown.append(f"{more} more")
    return f"The connection '{name}' is used by {', '.join(shown)}."


def _seen(condition: ColumnElement[bool]) -> Any:
    return case((condition, 1), else_=0)


def _named(found: Sequence[tuple[User, bool]]) -> list[User]:
    return [user for user, is_seen in found if is_seen][:MOST_NAMED]


async def owners_of(session: AsyncSession, name: str) -> list[str]:
    """Return the ids of the users whose schedules (not deleted) send through the connection."""
    query = select(Schedule.user_id).where(Schedule.state != ScheduleState.DELETED, _sends_through(name))
    return sorted(await session.scalars(query.distinct()))
