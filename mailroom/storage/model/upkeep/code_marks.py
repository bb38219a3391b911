"""Define the marks of objects that come from code."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.storage.model.base import Table


class CodeMark(Table):
    """An object that was applied from a document: the schedule, report, connection, calendar or team `entity_id`.

    `bundle`, `kind` and `name` are its identity in the code. `source` says where the document came from, `digest` what
    the object was right after it was applied, so that a change by hand is seen. `missing_secrets` are the places of
    secrets that nobody had given by then.
    """

    __tablename__ = "code_marks"
    __table_args__ = (Index(None, "kind", "entity_id", unique=True),)
    bundle: Mapped[str] = mapped_column(String(100), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    entity_id: Mapped[str] = mapped_column(String(100))
    source: Mapped[str] = mapped_column(String(500), default="")
    digest: Mapped[str] = mapped_column(String(64))
    missing_secrets: Mapped[list[Any]] = mapped_column(default=list)
    applied_by: Mapped[str] = mapped_column(String(320))
    applied_at: Mapped[datetime]
