"""Recipients in the database: which schedules send to an address, and the addresses that nothing is sent to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, delete, false, insert, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action, Relation
from mailroom.access.reach import of_schedules, schedule_ids
from mailroom.access.viewer import Viewer
from mailroom.errors import NotFound
from mailroom.recipients.spec import entries_for
from mailroom.states import ScheduleState
from mailroom.storage.inserting import insert_into
from mailroom.storage.model.recipients import ScheduleRecipient, Suppression, Unsubscription
from mailroom.storage.paging import Page, page
from mailroom.storage.tables import Schedule

_CHUNK = 5000
"""Entries that one query names."""


async def replace_addresses(session: AsyncSession, schedule_id: str, addresses: Iterable[str]) -> None:
    """Store whom a schedule sends to, in the transaction that writes the schedule."""
    await session.execute(delete(ScheduleRecipient).where(ScheduleRecipient.schedule_id == schedule_id))
    if people := sorted({address.lower() for address in addresses}):
        rows = [{"address": address, "schedule_id": schedule_id} for address in people]
        await session.execute(insert(ScheduleRecipient), rows)


def sends_to(address: str) -> ColumnElement[bool]:
    """Return the condition of the schedules that send to a person, deleted ones included."""
    found = select(ScheduleRecipient.schedule_id).where(ScheduleRecipient.address == address)
    return Schedule.id.in_(found)


async def schedules_page(
    session: AsyncSession,
    address: str,
    *,
    viewer: Viewer,
    cursor: str | None = None,
    limit: int = 50,
    undoable_at: datetime | None = None,
) -> Page[Schedule]:
    """Return a page of the schedules that send to a person and that the viewer may see, by name.

    Args:
        undoable_at: return also the deleted ones whose deletion can still be undone at this time.
    """
    there = Schedule.state != ScheduleState.DELETED
    if undoable_at is not None:
        there = or_(there, Schedule.delete_after > undoable_at)
    query = select(Schedule).where(sends_to(address), there, of_schedules(viewer))
    return await page(session, query, Schedule.name, Schedule.id, cursor=cursor, limit=limit, descending=False)


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the suppressions that the viewer may see: the list is an admin's."""
    return true() if viewer.sees_all else false()


def suppressing(recipient: str) -> ScalarSelect[str | None]:
    """Return a value for a SELECT: the entry that keeps this recipient from getting anything, or NULL."""
    query = select(Suppression.address).where(Suppression.address.in_(entries_for(recipient)))
    return query.order_by(Suppression.address.desc()).limit(1).scalar_subquery()


def unsubscribing(recipient: str, schedule_id: str) -> ScalarSelect[str | None]:
    """Return a value for a SELECT: the recipient who wants nothing of this schedule, or NULL."""
    query = select(Unsubscription.address).where(
        Unsubscription.address == recipient.lower(), Unsubscription.schedule_id == schedule_id
    )
    return query.scalar_subquery()


async def unsubscribed_among(session: AsyncSession, addresses: Collection[str], schedule_id: str) -> set[str]:
    """Return those of these addresses that want nothing of a schedule, for Mailroom's own work."""
    wanted = {address.lower(): address for address in addresses}
    among = Unsubscription.address.in_(list(wanted)), Unsubscription.schedule_id == schedule_id
    return {wanted[address] for address in await session.scalars(select(Unsubscription.address).where(*among))}


async def is_unsubscribed(session: AsyncSession, address: str, schedule_id: str) -> bool:
    """Tell whether a person wants nothing of a schedule."""
    return (await session.execute(select(unsubscribing(address, schedule_id)))).scalar_one_or_none() is not None


async def insert_unsubscription(
    session: AsyncSession, address: str, schedule_id: str, *, delivery_id: str, now: datetime
) -> bool:
    """Store that a person wants nothing of a schedule; return whether that is new."""
    values = {"address": address, "schedule_id": schedule_id, "delivery_id": delivery_id, "created_at": now}
    query = insert_into(session, Unsubscription).values(**values).on_conflict_do_nothing()
    return (await session.scalars(query.returning(Unsubscription.address))).one_or_none() is not None


async def delete_unsubscription(session: AsyncSession, address: str, schedule_id: str) -> bool:
    """Forget that a person wants nothing of a schedule; return whether it was so."""
    query = delete(Unsubscription).where(Unsubscription.address == address, Unsubscription.schedule_id == schedule_id)
    return (await session.scalars(query.returning(Unsubscription.address))).one_or_none() is not None


async def unsubscribed_page(
    session: AsyncSession, schedule_id: str, *, viewer: Viewer, cursor: str | None = None, limit: int = 50
) -> Page[Unsubscription]:
    """Return a page of the people who want nothing of a schedule that the viewer sees, the latest first."""
    seen = Unsubscription.schedule_id.in_(schedule_ids(viewer))
    query = select(Unsubscription).where(Unsubscription.schedule_id == schedule_id, seen)
    return await page(
        session, query, Unsubscription.created_at, Unsubscription.address, cursor=cursor, limit=limit, descending=True
    )


async def schedules_of(session: AsyncSession, address: str, *, limit: int) -> Sequence[Schedule]:
    """Return the schedules that send to a person, for Mailroom's own work."""
    query = select(Schedule).where(sends_to(address), Schedule.state != ScheduleState.DELETED)
    return (await session.scalars(query.order_by(Schedule.id).limit(limit))).all()


async def suppressed_among(session: AsyncSession, addresses: Collection[str]) -> dict[str, str]:
    """Return the entry of the list for each of these addresses that is on it, for Mailroom's own work."""
    wanted = {address: entries_for(address) for address in addresses}
    entries = sorted({entry for found in wanted.values() for entry in found})
    listed: set[str] = set()
    for start in range(0, len(entries), _CHUNK):
        named = Suppression.address.in_(entries[start : start + _CHUNK])
        listed |= set(await session.scalars(select(Suppression.address).where(named)))
    hits = {address: next((one for one in found if one in listed), None) for address, found in wanted.items()}
    return {address: hit for address, hit in hits.items() if hit is not None}


async def suppression_of(session: AsyncSession, address: str, *, viewer: Viewer) -> Suppression | None:
    """Return what keeps an address from getting anything, or None: there is nothing, for this viewer."""
    query = select(Suppression).where(Suppression.address.in_(entries_for(address)), visible_to(viewer))
    return (await session.scalars(query.order_by(Suppression.address.desc()).limit(1))).one_or_none()


async def suppressions_page(
    session: AsyncSession, *, viewer: Viewer, cursor: str | None = None, limit: int = 50
) -> Page[Suppression]:
    """Return a page of the list, the latest first."""
    query = select(Suppression).where(visible_to(viewer))
    return await page(
        session, query, Suppression.created_at, Suppression.id, cursor=cursor, limit=limit, descending=True
    )


async def suppression(session: AsyncSession, suppression_id: str, *, viewer: Viewer, doing: Action) -> Suppression:
    """Return one entry of the list.

    Raises:
        NotFound: there is none of that id, for this viewer.
        Forbidden: the viewer may not do this.
    """
    query = select(Suppression).where(Suppression.id == suppression_id, visible_to(viewer))
    found = (await session.scalars(query)).one_or_none()
    if found is None:
        raise NotFound(
            f"There is no suppression {suppression_id[:60]}.",
            remedy="GET /api/v1/suppressions lists them.",
            code="no_suppression",
        )
    viewer.require(doing, Relation.SHARED)
    return found


async def insert_suppression(session: AsyncSession, values: dict[str, Any]) -> Suppression | None:
    """Store an entry of the list; return None where the address is on it already."""
    query = insert_into(session, Suppression).values(**values).on_conflict_do_nothing(index_elements=["address"])
    return (await session.scalars(query.returning(Suppression))).one_or_none()


async def delete_own_suppression(session: AsyncSession, address: str) -> Suppression | None:
    """Remove the entry of an address that the person made; return what it was, None where there was none."""
    query = delete(Suppression).where(Suppression.address == address, Suppression.created_by == address)
    return (await session.scalars(query.returning(Suppression))).one_or_none()


async def at(session: AsyncSession, address: str, *, viewer: Viewer) -> Suppression | None:
    """Return the entry of exactly this address or domain, or None."""
    query = select(Suppression).where(Suppression.address == address, visible_to(viewer))
    return (await session.scalars(query)).one_or_none()
