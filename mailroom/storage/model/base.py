"""The base of every table, and the column types that only tables need."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Enum, MetaData
from sqlalchemy.orm import DeclarativeBase

from mailroom.storage.database import Instant, JsonColumn

Json = dict[str, Any]


def word_of(kind: type[StrEnum]) -> Enum:
    """Return a column type that keeps a member, such as a state, as its word; SQLAlchemy refuses unknown words."""
    return Enum(
        kind, native_enum=False, create_constraint=False, length=20, values_callable=lambda e: [m.value for m in e]
    )


class Table(DeclarativeBase):
    """Base of every table; constraints have stable names so that migrations can alter them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  SQLAlchemy reads this name as a plain class attribute
        datetime: Instant,
        Json: JsonColumn,
        list[Any]: JsonColumn,
    }
