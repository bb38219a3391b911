"""Order lists of schedules, and page through them by keys that have an index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, String, literal, literal_column, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.errors import Invalid
from mailroom.storage.database import Instant
from mailroom.storage.model.schedules.lists import DUE
from mailroom.storage.paging import MAX_LIMIT, Page, decode_cursor, encode_cursor, page
from mailroom.storage.tables import Schedule

_DUE = literal_column(DUE.replace("next_run", "export_schedules.next_run"), Instant())
_NEVER = literal_column(DUE.partition(", ")[2].rstrip(")"), Instant())
_BY_COLUMN = {"created_at": Schedule.created_at, "name": Schedule.name, "updated_at": Schedule.updated_at}
_BY_KEYS: dict[str, Sequence[Any]] = {
    "attention": (Schedule.attention, _DUE, Schedule.id),
    "next_run": (_DUE, Schedule.id),
}


async def page_in_order(
    session: AsyncSession, query: Select[tuple[Schedule]], sort: str, *, cursor: str | None, limit: int
) -> Page[Schedule]:
    """Return one page of schedules.

    Args:
        sort: created_at, updated_at or name, - for descending; next_run; or attention, which has those first that need
            somebody, and then what is due next. Where nothing is due comes last.

    Raises:
        Invalid: the limit is out of range, or the cursor is not one of this order.
    """
    if sort not in _BY_KEYS:
        key = _BY_COLUMN.get(sort.removeprefix("-"), Schedule.created_at)
        return await page(session, query, key, Schedule.id, cursor=cursor, limit=limit, descending=sort.startswith("-"))
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid.at("limit", f"is {limit}.", f"Choose a limit from 1 to {MAX_LIMIT}.")
    keys = _BY_KEYS[sort]
    if cursor:
        query = query.where(tuple_(*keys) > tuple_(*_after(cursor, sort)))
    rows = list(await session.scalars(query.order_by(*keys).limit(limit + 1)))
    if len(rows) <= limit:
        return Page(rows, None)
    return Page(rows[:limit], _cursor(rows[limit - 1], sort))


def _cursor(last: Schedule, sort: str) -> str:
    due = last.next_run.isoformat() if last.next_run else ""
    return encode_cursor(f"{last.attention} {due}" if sort == "attention" else f" {due}", last.id)


def _after(cursor: str, sort: str) -> list[ColumnElement[Any]]:
    """Return the keys of the last row of the page before."""
    value, last_id = decode_cursor(cursor)
    try:
        # The cursor comes from outside: it may belong to another order of this list.
        rank, _, due = str(value).partition(" ")
        at = literal(_instant(due), Instant()) if due else _NEVER
        found: list[ColumnElement[Any]] = [at, literal(last_id, String())]
        return [literal(_rank(rank), Integer()), *found] if sort == "attention" else _without_rank(rank, found)
    except (ValueError, OverflowError) as error:
        raise Invalid.at(
            "cursor", "This cursor belongs to another sort order of the list.", "Start at the first page."
        ) from error


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} has no offset")
    return found


def _rank(text: str) -> int:
    if text not in {"0", "1"}:
        raise ValueError(f"{text} is no rank")
    return int(text)


def _without_rank(rank: str, keys: list[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    if rank:
        raise ValueError(f"{rank} is not expected here")
    return keys
