"""Keyset pages: a cursor names the last row seen, so a list stays right while rows come and go."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from mailroom.errors import Invalid
from mailroom.storage.database import Instant

MAX_LIMIT = 200
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows of a list and the cursor of the next page, None at the end."""

    items: list[Row]
    next_cursor: str | None


def encode_cursor(value: Any, row_id: str) -> str:
    """Return a cursor that names a row by its sort value and id."""
    shown = value.isoformat() if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(json.dumps([shown, row_id]).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[Any, str]:
    """Return the inverse of `encode_cursor`.

    Raises:
        Invalid: the cursor was not made by this list.
    """
    try:
        value, row_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(row_id, str) or not isinstance(value, str | int | None):
            raise ValueError(cursor)
        for text in (value, row_id):
            # Neither can be in a database: a NUL, or half a character, which cannot be encoded (a ValueError).
            if isinstance(text, str) and b"\0" in text.encode():
                raise ValueError(cursor)
    except (ValueError, binascii.Error, TypeError) as error:
        raise Invalid.at(
            "cursor", "This is not a cursor of this list.", "Use `next_cursor` of the previous page."
        ) from error
    return value, row_id


def _instant(text: Any) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError(f"{text} has no offset")
    return value.astimezone(UTC)


def beyond(
    key: InstrumentedAttribute[Any], row_id: InstrumentedAttribute[str], cursor: str, *, descending: bool
) -> ColumnElement[bool]:
    """Return the condition of the rows that come after the cursor, in the order by `key` and then `row_id`.

    Raises:
        Invalid: the cursor was not made by this list.
    """
    value, last_id = decode_cursor(cursor)
    try:
        # The cursor comes from outside: it may belong to another order of this list.
        value = _instant(value) if isinstance(key.type, Instant) else str(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise Invalid.at(
            "cursor", "This cursor belongs to another sort order of the list.", ("Start at the first page.")
        ) from error
    # Compared as a pair: written out with "or", SQLite may gather and sort everything that comes after the cursor.
    row, last = tuple_(key, row_id), tuple_(literal(value, key.type), literal(last_id, row_id.type))
    return row < last if descending else row > last


async def page(
    session: AsyncSession,
    query: Select[tuple[Row]],
    key: InstrumentedAttribute[Any],
    row_id: InstrumentedAttribute[str],
    *,
    cursor: str | None,
    limit: int,
    descending: bool,
) -> Page[Row]:
    """Return one page of `query`, ordered by `key` then `row_id`. `key` must never be NULL."""
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid.at("limit", f"is {limit}.", f"Choose a limit from 1 to {MAX_LIMIT}.")
    if cursor:
        query = query.where(beyond(key, row_id, cursor, descending=descending))
    order = (key.desc(), row_id.desc()) if descending else (key.asc(), row_id.asc())
    rows = list((await session.scalars(query.order_by(*order).limit(limit + 1))).all())
    following = None
    if len(rows) > limit:
        rows = rows[:limit]
        following = encode_cursor(getattr(rows[-1], key.key), getattr(rows[-1], row_id.key))
    return Page(rows, following)
