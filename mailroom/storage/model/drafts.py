"""The tables of schedules that are not there yet: drafts that somebody fills in, and templates to start from."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.storage.database import JsonOrNull, new_id
from mailroom.storage.model.base import Json, Table


class ScheduleDraft(Table):
    """A schedule as somebody fills it in, part by part, also with faults.

    `parts` has each part as it was entered, with the version, time and user of its last change; `version` counts all
    changes. `unsaved` has forms that came with an expired session: they are shown to the owner and applied by nobody.
    `schedule_id` and `etag` name the schedule that the draft changes, as it was then. `activated_as` is the schedule
    that the draft has become; such a draft stays as it is.
    """

    __tablename__ = "schedule_drafts"
    __table_args__ = (Index(None, "user_id", "updated_at"), Index(None, "updated_at", "id"))
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    version: Mapped[int] = mapped_column(default=1)
    parts: Mapped[Json]
    unsaved: Mapped[Json | None] = mapped_column(JsonOrNull)
    starts_paused: Mapped[bool] = mapped_column(default=False)
    schedule_id: Mapped[str | None] = mapped_column(ForeignKey("export_schedules.id"))
    etag: Mapped[str | None] = mapped_column(String(100))
    activated_as: Mapped[str | None] = mapped_column(ForeignKey("export_schedules.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ScheduleTemplate(Table):
    """Parts of a schedule that somebody keeps to start others from; `body` has them as the body of a schedule."""

    __tablename__ = "schedule_templates"
    __table_args__ = (Index(None, "user_id"),)
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(500), default="")
    body: Mapped[Json]
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class TemplateShare(Table):
    """A template that a user, a team or a role may use besides its owner."""

    __tablename__ = "schedule_template_shares"
    __table_args__ = (Index(None, "subject"),)
    template_id: Mapped[str] = mapped_column(ForeignKey("schedule_templates.id", ondelete="CASCADE"), primary_key=True)
    subject: Mapped[str] = mapped_column(String(60), primary_key=True)
