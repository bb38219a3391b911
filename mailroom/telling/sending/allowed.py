"""Ask whether a mail that was claimed may still leave, just before it does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.ownership import bar_of
from mailroom.access.viewer import viewer_of
from mailroom.connections import grants
from mailroom.notifications.kinds import Route
from mailroom.notifications.wants import wants
from mailroom.recipients.repository import suppressing, unsubscribing
from mailroom.schedules.limits.sending import why_not_to_address
from mailroom.settings import Settings
from mailroom.states import DeliveryState, ExecutionState, ScheduleState
from mailroom.stops.coverage import breaking, stopping
from mailroom.storage.model.upkeep.tellings import Telling
from mailroom.storage.tables import Delivery, Execution, Schedule, User
from mailroom.telling.spec import TellingKind
from prefect_mailroom.channels.registry import destination

HELD_FOR = timedelta(minutes=5)
"""A stop that was met is looked at again after this long."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The mail is not wanted any more, or not true any more; `why` says so."""

    why: str


@dataclass(frozen=True, slots=True)
class Held:
    """A stop keeps it from leaving now; it is looked at again at `until`."""

    until: datetime


Answer = Dropped | Held | None
"""The answer says why a mail may not leave; None where it may."""


async def why_not(session: AsyncSession, row: Telling, address: str, settings: Settings, *, now: datetime) -> Answer:
    """Return why a mail may not leave, or None where it may."""
    if (await session.execute(select(suppressing(address)))).scalar_one() is not None:
        return Dropped("The address is on the list of those that nothing is sent to.")
    of_kind = _of_reader if row.kind == TellingKind.READER_NOTICE else _of_user
    return await of_kind(session, row, address, settings, now)


async def _of_user(session: AsyncSession, row: Telling, _address: str, _settings: Settings, now: datetime) -> Answer:
    user = await session.get(User, row.target)
    if user is None or not user.is_active:
        return Dropped("The user is not active any more.")
    if not wants(user.preferences, row.kind, Route.MAIL):
        return Dropped("The user does not want such mails any more.")
    return await _stopped(session, row.connection, schedule_id="", report_id="", now=now)


async def _of_reader(session: AsyncSession, row: Telling, address: str, settings: Settings, now: datetime) -> Answer:
    """A notice is true while the report has not come, and the schedule would still send it."""
    schedule, execution = await session.get(Schedule, row.schedule_id), await session.get(Execution, row.execution_id)
    if schedule is None or execution is None or schedule.state in (ScheduleState.PAUSED, ScheduleState.DELETED):
        return Dropped("The schedule does not send any more.")
    unsubscribed = select(unsubscribing(address, schedule.id))
    if (await session.execute(unsubscribed)).scalar_one() is not None:
        return Dropped("The reader has unsubscribed from the schedule.")
    owner = await session.get(User, schedule.user_id)
    if owner is None or await _may_not(session, owner, row.connection, address, settings):
        return Dropped("The owner of the schedule may not send this any more.")
    if execution.status in (ExecutionState.SUCCESS, ExecutionState.SKIPPED, ExecutionState.CANCELLED):
        return Dropped("There is nothing to wait for any more.")
    if await _has_it(session, execution.id, address):
        return Dropped("The reader has the report by now.")
    return await _stopped(session, row.connection, schedule_id=schedule.id, report_id=schedule.report_id, now=now)


async def _may_not(session: AsyncSession, owner: User, connection: str, address: str, settings: Settings) -> bool:
    """Tell whether the owner could not send the report itself either: the same is asked at each delivery."""
    viewer = viewer_of(owner)
    if bar_of(owner) is not None or why_not_to_address(address, owner, settings) is not None:
        return True
    return not viewer.sees_all and bool(await grants.not_usable(session, [connection], viewer=viewer))


async def _has_it(session: AsyncSession, execution_id: str, address: str) -> bool:
    query = select(Delivery).where(Delivery.execution_id == execution_id, Delivery.status == DeliveryState.DELIVERED)
    return any(address in reached(one) for one in await session.scalars(query))


def reached(delivery: Delivery) -> set[str]:
    """Return the addresses that a delivery reaches, in lower case: one, or those of a group. Pure."""
    return {one.lower() for one in destination(delivery.destination).reached_by(delivery.recipient)}


async def _stopped(
    session: AsyncSession, connection: str, *, schedule_id: str, report_id: str, now: datetime
) -> Held | None:
    stop = stopping(schedule_id=schedule_id, report_id=report_id, connection=connection)
    row = (await session.execute(select(stop, breaking(connection)))).one()
    return Held(now + HELD_FOR) if any(row) else None
