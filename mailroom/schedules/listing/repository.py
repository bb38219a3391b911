"""Read what lists of schedules show beside the rows; each with one query, however many rows there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from mailroom.access.reach import of_schedules
from mailroom.access.viewer import Viewer
from mailroom.executions.history.last_result import Attention
from mailroom.schedules.listing.choice import Choice
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.database import Instant
from mailroom.storage.model.schedules.lists import ScheduleDestination
from mailroom.storage.tables import Execution, Report, Schedule, User
from prefect_mailroom.channels.base import Destination

STRIP = 14
"""The last executions that a list shows of each schedule."""
_OPTIONS = 300
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of schedules that each standing view of the list holds."""

    everything: int
    mine: int
    failing: int
    due: int
    paused: int


@dataclass(frozen=True, slots=True)
class Recent:
    """An execution as the strip of a list shows it."""

    execution_id: str
    due_at: datetime
    status: ExecutionState


@dataclass(frozen=True, slots=True)
class Goes:
    """A channel that a schedule sends through, and to how many mail addresses or places."""

    channel: str
    recipients: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """Hold what a choice of schedules comes to.

    Attributes:
        states: the number of schedules in each state.
        goes: each channel, with the number of addresses or places that the active ones send to.
    """

    states: Mapping[ScheduleState, int]
    goes: tuple[Goes, ...]

    @property
    def count(self) -> int:
        """Return how many schedules there are."""
        return sum(self.states.values())


@dataclass(frozen=True, slots=True)
class Option:
    """Something that a list can be narrowed to, by id and name."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Options:
    """Hold what a list can be narrowed to; `destinations` are pairs of a channel and a connection."""

    owners: tuple[Option, ...] = ()
    reports: tuple[Option, ...] = ()
    destinations: tuple[tuple[str, str], ...] = ()


async def counts(session: AsyncSession, *, viewer: Viewer, due_from: datetime, due_to: datetime) -> Counts:
    """Count the schedules that the viewer sees: all, own, failing, due in the period, and paused."""
    due = and_(Schedule.next_run >= due_from, Schedule.next_run < due_to)
    sums = [
        func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
        for condition in (
            Schedule.user_id == viewer.user_id,
            Schedule.attention == Attention.FAILING,
            due,
            Schedule.state == ScheduleState.PAUSED,
        )
    ]
    query = select(func.count(), *sums).select_from(Schedule)
    row = (await session.execute(query.where(Schedule.attention < Attention.DELETED, of_schedules(viewer)))).one()
    return Counts(*(int(one) for one in row))


async def count(session: AsyncSession, choice: Choice, *, viewer: Viewer) -> int:
    """Count the schedules of a choice that the viewer sees."""
    query = select(func.count()).select_from(Schedule).where(*choice.conditions(), of_schedules(viewer))
    return (await session.execute(query)).scalar_one()


async def chosen(session: AsyncSession, choice: Choice, ids: Collection[str] | None, *, viewer: Viewer) -> Chosen:
    """Return what a choice comes to: how many are in each state, and to how many addresses or places they send."""
    among = _among(choice, ids, viewer)
    states = await session.execute(select(Schedule.state, func.count()).where(*among).group_by(Schedule.state))
    sends = (
        select(ScheduleDestination.channel, func.sum(ScheduleDestination.recipients))
        .join(Schedule, Schedule.id == ScheduleDestination.schedule_id)
        .where(*among, Schedule.state == ScheduleState.ACTIVE)
        .group_by(ScheduleDestination.channel)
    )
    goes = [Goes(row[0], int(row[1])) for row in await session.execute(sends.order_by(ScheduleDestination.channel))]
    return Chosen({row[0]: int(row[1]) for row in states}, tuple(goes))


async def names(
    session: AsyncSession, choice: Choice, ids: Collection[str] | None, *, viewer: Viewer, limit: int
) -> tuple[str, ...]:
    """Return the first names of a choice."""
    query = select(Schedule.name).where(*_among(choice, ids, viewer)).order_by(Schedule.name, Schedule.id)
    return tuple(await session.scalars(query.limit(limit)))


def _among(choice: Choice, ids: Collection[str] | None, viewer: Viewer) -> list[ColumnElement[bool]]:
    named = [Schedule.id.in_(ids)] if ids is not None else []
    return [*choice.conditions(), *named, of_schedules(viewer)]


async def recent(session: AsyncSession, schedule_ids: Collection[str]) -> dict[str, list[Recent]]:
    """Return the last executions of each schedule, the oldest first; tests are left out.

    The due time where the strip begins is looked up for each schedule by index, so that a long history costs nothing.
    """
    if not schedule_ids:
        return {}
    earlier = aliased(Execution)
    first = (
        select(earlier.due_at)
        .where(earlier.schedule_id == Schedule.id, earlier.kind != ExecutionKind.TEST)
        .order_by(earlier.due_at.desc(), earlier.id.desc())
        .offset(STRIP - 1)
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(Execution.schedule_id, Execution.id, Execution.due_at, Execution.status)
        .select_from(Schedule)
        .join(
            Execution,
            and_(
                Execution.schedule_id == Schedule.id,
                Execution.due_at >= func.coalesce(first, literal(_BEGINNING, Instant())),
            ),
        )
        .where(Schedule.id.in_(schedule_ids), Execution.kind != ExecutionKind.TEST)
    )
    found: dict[str, list[Recent]] = defaultdict(list)
    for row in await session.execute(query):
        found[row[0]].append(Recent(row[1], row[2], row[3]))
    return {one: sorted(strip, key=lambda run: (run.due_at, run.execution_id))[-STRIP:] for one, strip in found.items()}


async def destinations(session: AsyncSession, schedule_ids: Collection[str]) -> dict[str, list[Goes]]:
    """Return where each schedule sends to, one for each channel, in the order of its destinations."""
    query = (
        select(ScheduleDestination.schedule_id, ScheduleDestination.channel, func.sum(ScheduleDestination.recipients))
        .where(ScheduleDestination.schedule_id.in_(schedule_ids))
        .group_by(ScheduleDestination.schedule_id, ScheduleDestination.channel)
        .order_by(func.min(ScheduleDestination.position))
    )
    found: dict[str, list[Goes]] = defaultdict(list)
    for row in await session.execute(query):
        found[row[0]].append(Goes(row[1], int(row[2])))
    return dict(found)


async def owner_names(session: AsyncSession, user_ids: Collection[str]) -> dict[str, str]:
    """Return the name of each user, or the mail address of one without a name."""
    rows = await session.execute(select(User.id, User.name, User.email).where(User.id.in_(user_ids)))
    return {row[0]: row[1] or row[2] for row in rows}


async def options(session: AsyncSession, *, viewer: Viewer) -> Options:
    """Return what the list can be narrowed to: of everything that the viewer sees, and at most some hundreds of each.

    Three queries: users and reports are asked one by one, by index, so that not every schedule has to be looked at.
    """
    seen = (Schedule.attention < Attention.DELETED, of_schedules(viewer))
    owns, uses = (
        exists().where(Schedule.user_id == User.id, *seen),
        exists().where(Schedule.report_id == Report.id, *seen),
    )
    users = await session.execute(select(User.id, User.name, User.email).where(owns).limit(_OPTIONS))
    reports = await session.execute(select(Report.id, Report.title).where(uses).limit(_OPTIONS))
    sends = ScheduleDestination.recipients > 0
    places = select(ScheduleDestination.channel, ScheduleDestination.connection).where(sends).distinct()
    if not viewer.sees_all:
        places = places.join(Schedule, Schedule.id == ScheduleDestination.schedule_id).where(*seen)
    found = await session.execute(places.limit(_OPTIONS))
    return Options(
        _by_name(Option(row[0], row[1] or row[2]) for row in users),
        _by_name(Option(row[0], row[1]) for row in reports),
        tuple(sorted((row[0], row[1]) for row in found)),
    )


def _by_name(found: Iterable[Option]) -> tuple[Option, ...]:
    return tuple(sorted(found, key=lambda one: one.name.casefold()))


async def replace_destinations(session: AsyncSession, schedule_id: str, targets: Sequence[Destination]) -> None:
    """Store where a schedule sends to, in the transaction that writes the schedule."""
    await session.execute(delete(ScheduleDestination).where(ScheduleDestination.schedule_id == schedule_id))
    if rows := destination_rows(schedule_id, targets):
        await session.execute(insert(ScheduleDestination), rows)


def destination_rows(schedule_id: str, targets: Sequence[Destination]) -> list[dict[str, Any]]:
    """Return where a schedule sends to, as it is stored, and behind that the stores of its links. Pure."""
    sends = [
        (target.channel, target.connection, len({address.lower() for address in target.addresses()}) or 1)
        for target in targets
    ]
    stores = [(target.channel, name, 0) for target in targets if (name := target.links_connection())]
    return [
        {
            "schedule_id": schedule_id,
            "position": position,
            "channel": channel,
            "connection": connection,
            "recipients": recipients,
        }
        for position, (channel, connection, recipients) in enumerate([*sends, *stores])
    ]
