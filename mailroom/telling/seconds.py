"""Subtract instants in SQL, in the dialect of the session's database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Float, cast, func
from sqlalchemy.ext.asyncio import AsyncSession

_SECONDS_A_DAY = 86_400


def seconds_between(session: AsyncSession, earlier: Any, later: Any) -> ColumnElement[float]:
    """Return the seconds from one column of instants to another as a value for a query."""
    if session.get_bind().dialect.name == "postgresql":
        return cast(func.extract("epoch", later) - func.extract("epoch", earlier), Float)
    return (func.julianday(later) - func.julianday(earlier)) * _SECONDS_A_DAY
