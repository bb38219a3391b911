"""Gather the list of schedules as the home page shows it: a page of rows, and the counts of the standing views."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

import orjson
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller
from api.actions.schedules.filters import ScheduleFilter, Sort
from mailroom.access.permissions import Action
from mailroom.drafts import repository as drafts
from mailroom.executions import overview
from mailroom.executions.history.last_result import Attention
from mailroom.executions.overview import Deliveries
from mailroom.schedules import repository as stored
from mailroom.schedules.listing import repository as listed
from mailroom.schedules.listing import saved
from mailroom.schedules.listing.repository import Counts, Goes, Options, Recent
from mailroom.schedules.service import etag
from mailroom.states import ExecutionState, ScheduleState, SyncState
from mailroom.storage.model.schedules.lists import SavedView
from mailroom.storage.tables import Schedule
from mailroom.timing import TIMING
from mailroom.timing.words import sentence

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Last:
    """The last run that has ended, tests left out."""

    execution_id: str
    due_at: datetime
    status: ExecutionState
    deliveries: Deliveries = field(default_factory=Deliveries)


@dataclass(frozen=True, slots=True)
class Row:
    """A schedule of the list.

    Attributes:
        sentence: its timing in words.
        zone: the zone of its timing.
        recent: its last executions, the oldest first.
        goes: its channels, each with the number of addresses or places.
    """

    id: str
    name: str
    sentence: str
    zone: str
    state: ScheduleState
    failures: int
    failing: bool
    sync: SyncState
    owner_id: str
    owner: str
    etag: str
    next_run: datetime | None
    last: Last | None
    recent: tuple[Recent, ...]
    goes: tuple[Goes, ...]
    is_sample: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list, with what stands around it.

    Attributes:
        total: how many schedules match in all.
        drafts: how many drafts the caller sees.
        silent_since: since when Prefect has not answered this process, None while it does.
        samples: whether there is sample data on this page.
    """

    rows: tuple[Row, ...]
    next_cursor: str | None
    total: int
    counts: Counts
    options: Options
    views: Sequence[SavedView]
    drafts: int
    silent_since: datetime | None
    samples: bool = False


async def listing(
    caller: Caller,
    wanted: ScheduleFilter,
    *,
    sort: Sort,
    cursor: str | None,
    limit: int,
    today: tuple[datetime, datetime],
    part: bool = False,
) -> Listing:
    """Return one page of the schedules that match, as the home page shows them.

    Args:
        today: where the day of the caller begins and ends.
        part: whether only the rows are shown anew, without what they can be narrowed to.

    Raises:
        Invalid: the cursor is not one of this order.
    """
    choice, viewer = wanted.choice(), caller.viewer
    async with caller.session() as session:
        found = await stored.list_page(session, viewer=viewer, cursor=cursor, limit=limit, sort=sort, choice=choice)
        rows = await _rows(session, found.items)
        counts = await listed.counts(session, viewer=viewer, due_from=today[0], due_to=today[1])
        total = counts.everything
        if not wanted.is_empty():
            whole = cursor is None and found.next_cursor is None
            total = len(rows) if whole else await listed.count(session, choice, viewer=viewer)
        choices = Options() if part else await listed.options(session, viewer=viewer)
        views = await saved.of_viewer(session, viewer=viewer)
        begun = await drafts.count(session, viewer=viewer) if viewer.may(Action.DRAFT_LIST) else 0
    silent = caller.services.reconciler.silent_since
    return Listing(
        rows, found.next_cursor, total, counts, choices, views, begun, silent, any(row.is_sample for row in rows)
    )


async def options(caller: Caller) -> Options:
    """Return what the list can be narrowed to."""
    async with caller.session() as session:
        return await listed.options(session, viewer=caller.viewer)


async def _rows(session: AsyncSession, items: Sequence[Schedule]) -> tuple[Row, ...]:
    ids = [row.id for row in items]
    recent = await listed.recent(session, ids)
    goes = await listed.destinations(session, ids)
    owners = await listed.owner_names(session, {row.user_id for row in items})
    partly = [row.last_execution_id for row in items if row.last_status is ExecutionState.PARTIAL]
    reached = await overview.delivery_counts(session, [one for one in partly if one])

    def make() -> tuple[Row, ...]:
        return tuple(_row(row, recent, goes, owners, reached) for row in items)

    # Reading 50 timings takes some milliseconds: too long for an event loop that others share.
    return await asyncio.to_thread(make)


def _row(
    row: Schedule,
    recent: Mapping[str, Sequence[Recent]],
    goes: Mapping[str, Sequence[Goes]],
    owners: Mapping[str, str],
    reached: Mapping[str, Deliveries],
) -> Row:
    last = None
    if row.last_execution_id and row.last_due_at and row.last_status:
        counts = reached.get(row.last_execution_id, Deliveries())
        last = Last(row.last_execution_id, row.last_due_at, row.last_status, counts)
    return Row(
        id=row.id,
        name=row.name,
        sentence=_sentence(row),
        zone=str(row.schedule_config.get("timezone", "UTC")),
        state=row.state,
        failures=row.consecutive_failures,
        failing=row.attention == Attention.FAILING,
        sync=row.sync_state,
        owner_id=row.user_id,
        owner=owners.get(row.user_id, ""),
        etag=etag(row),
        next_run=row.next_run,
        last=last,
        recent=tuple(recent.get(row.id, ())),
        goes=tuple(goes.get(row.id, ())),
        is_sample=row.is_sample,
    )


def _sentence(row: Schedule) -> str:
    """Return the timing in words; one that an earlier version of Mailroom took must not hide the whole list."""
    try:
        return _words(orjson.dumps(row.schedule_config))
    except ValidationError:
        _LOG.warning("The timing of schedule %s cannot be read.", row.id, exc_info=True)
        return ""


@lru_cache(4096)
def _words(timing: bytes) -> str:
    return sentence(TIMING.validate_json(timing))
