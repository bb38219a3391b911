"""Stop and resume for a person: checks what is meant, shows what would go, and lifts the stop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import SYSTEM, Viewer
from mailroom.audit.repository import NOWHERE
from mailroom.connections import repository as connections
from mailroom.context import Origin
from mailroom.errors import Conflict, Invalid, NotFound
from mailroom.releases.preview import Preview, preview
from mailroom.releases.skip import skip
from mailroom.reports import repository as reports
from mailroom.schedules import repository as schedules
from mailroom.stops import repository as stops
from mailroom.stops import service
from mailroom.stops.coverage import of_people
from mailroom.stops.spec import Place, ResumeRequest, StopCause, StopRequest, StopScope, words_of
from mailroom.storage.database import Database
from mailroom.storage.stop_tables import Stop


@dataclass(frozen=True, slots=True)
class Resumption:
    """The stops that were lifted, or would be in a dry run, what goes then, and the stops that still stand."""

    lifted: Sequence[Stop]
    preview: Preview
    still_standing: Sequence[Stop]


async def stop(
    session: AsyncSession,
    wanted: StopRequest,
    *,
    viewer: Viewer,
    by: str,
    now: datetime,
    origin: Origin = NOWHERE,
) -> tuple[Stop, bool]:
    """Stop something that exists; return the stop that stands, and whether it is new.

    Raises:
        NotFound: there is no such connection, report or schedule.
    """
    match wanted.scope:
        case StopScope.CONNECTION:
            await connections.get(session, wanted.target, viewer=viewer)
        case StopScope.REPORT:
            await reports.get(session, wanted.target, viewer=viewer)
        case StopScope.SCHEDULE:
            await schedules.get(session, wanted.target, viewer=viewer)
    return await service.stop(session, wanted, by=by, now=now, origin=origin)


async def look(session: AsyncSession, place: Place, *, viewer: Viewer, now: datetime) -> Resumption:
    """Return what resuming would do.

    Raises:
        NotFound: nothing is stopped there.
        Conflict: Mailroom is read-only, which has a switch of its own, and nothing else is stopped.
    """
    found = of_people(await stops.at(session, str(place.scope), place.target, viewer=viewer))
    lifted = [one for one in found if one.cause != StopCause.READ_ONLY]
    if found and not lifted:
        raise Conflict(
            "Nothing else is stopped than that Mailroom is read-only.",
            remedy="`mailroom read-only off` ends it.",
            code="read_only",
        )
    if not lifted:
        raise NotFound(
            f"Nothing is stopped for {words_of(place.scope, place.target)}.",
            remedy="GET /api/v1/stops and `mailroom stops` list what is.",
            code="no_stop",
        )
    ids = {one.id for one in lifted}
    others = [one for one in await stops.list_standing(session, viewer=SYSTEM) if one.id not in ids]
    return Resumption(lifted, await preview(session, lifted, others, now=now), others)


async def resume(
    database: Database,
    wanted: ResumeRequest,
    *,
    viewer: Viewer,
    by: str,
    now: datetime,
    origin: Origin = NOWHERE,
    before_commit: Callable[[AsyncSession, Resumption], Awaitable[None]] | None = None,
) -> Resumption:
    """Show what would go, or lift the stop, after what was due before a restoration was skipped where that is asked.

    Args:
        before_commit: is called with the result in the transaction that lifts the stop.

    Raises:
        NotFound: nothing is stopped there.
        Invalid: after a restoration it must be said what becomes of what was due.
    """
    async with database.session() as session:
        found = await look(session, wanted, viewer=viewer, now=now)
    restored = [one for one in found.lifted if one.cause == StopCause.RESTORED]
    if not wanted.dry_run and restored and wanted.what_was_due is None:
        raise Invalid.at(
            "what_was_due",
            "The database was restored from a backup, and does not know what of it was delivered since.",
            "Send `send` or `skip` for what was due before the restoration.",
        )
    if wanted.what_was_due == "skip" and restored and not wanted.dry_run:
        await skip(database, until=max(one.stopped_at for one in restored), now=now)

    async def lift(session: AsyncSession) -> None:
        if not wanted.dry_run:
            chosen = wanted.what_was_due
            await service.lift(session, found.lifted, what_was_due=chosen, by=by, now=now, origin=origin)
        if before_commit is not None:
            await before_commit(session, found)

    await database.transact(lift)
    return found
