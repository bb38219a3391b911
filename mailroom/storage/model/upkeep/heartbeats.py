"""The table of signs of life."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.storage.model.base import Json, Table


class Heartbeat(Table):
    """The last sign of life of one loop of one process; it is dead when it is silent for longer than `late_after`.

    `process` names the process (`api host:pid`), `name` the loop (`watchdog`, `reconciler`). `detail` is for people.
    """

    __tablename__ = "heartbeats"
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    process: Mapped[str] = mapped_column(String(120), primary_key=True)
    began_at: Mapped[datetime]
    last_success: Mapped[datetime]
    late_after: Mapped[float]
    detail: Mapped[Json] = mapped_column(default=dict)
