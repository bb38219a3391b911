"""The tables. The user's schema with its names, and what states, ledger, sync, audit and limits need on top.

Every instant is UTC; zones are IANA names beside them. Relationships are not mapped: repositories join on purpose.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.roles import Role
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState, ScheduleState, SyncState
from mailroom.storage.database import JsonOrNull, new_id
from mailroom.storage.model import drafts, links, login  # noqa: F401  registers their tables with the others
from mailroom.storage.model.access import Team
from mailroom.storage.model.answers import IdempotencyKey
from mailroom.storage.model.base import Json, Table, word_of
from mailroom.storage.model.connections import Connection
from mailroom.storage.model.notifications import Notification, NotificationMute
from mailroom.storage.model.outboxes import product_events  # noqa: F401  as above
from mailroom.storage.model.schedules.lists import DUE
from mailroom.storage.model.schedules.uploads import UploadProgress
from mailroom.storage.model.upkeep import code_marks, heartbeats, incidents, retention, tellings, watching  # noqa: F401

__all__ = ["Connection", "IdempotencyKey", "Json", "Notification", "NotificationMute", "Table"]
"""Besides the classes below: whoever wants the metadata of all tables imports their base from here."""

_CORRECTS = text("corrects IS NOT NULL")
_UNDOABLE = text("delete_after IS NOT NULL")
_ASKED_FOR = text("kind <> 'scheduled'")
_HAS_ERROR = text("error_id IS NOT NULL")
_HAS_FILE = text("export_id IS NOT NULL")


def _since_creation(context: DefaultExecutionContext) -> Any:
    """Return the time of creation as the default: nothing was due before it."""
    return context.get_current_parameters()["created_at"]  # type: ignore[no-untyped-call]  # SQLAlchemy's


class User(Table):
    """A user, who owns schedules: a person, or a service account.

    `external_id` is another product's name of the user. `grants` names permissions that this user has besides those of
    the role, see `mailroom.access.permissions`. `preferences` is read by `mailroom.members.preferences`.
    """

    __tablename__ = "users"
    __table_args__ = (Index(None, "external_id", unique=True), Index(None, "team_id"))
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")
    role: Mapped[Role] = mapped_column(word_of(Role), default=Role.CREATOR)
    team_id: Mapped[str | None] = mapped_column(ForeignKey(Team.id))
    external_id: Mapped[str | None] = mapped_column(String(200))
    is_service: Mapped[bool] = mapped_column(default=False)
    grants: Mapped[list[Any]] = mapped_column(default=list)
    preferences: Mapped[Json] = mapped_column(default=dict)
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Report(Table):
    """A report's current definition (`mailroom.reports.spec.ReportDefinition` as JSON).

    One without an owner belongs to the installation, and everybody who may create schedules sees it.
    """

    __tablename__ = "reports"
    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    version: Mapped[str] = mapped_column(String(64))
    definition: Mapped[Json]
    owner_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Calendar(Table):
    """A business calendar: which weekdays are worked and which dates are not."""

    __tablename__ = "calendars"
    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    definition: Mapped[Json]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Schedule(Table):
    """Report + timing + parameters + destinations + policy, owned by a user. `generation` counts wanted changes;
    `observed_generation` is the last one that Prefect shows.

    Everything that was due up to `accounted_until` is in the ledger; what came after is due by the row as it is, since
    each change accounts first. `next_run` is the first due time after it; None while nothing is due. `is_sample` marks
    sample data, which accounts, statistics and alerts leave out.

    `last_status` is what the latest run by due time ended with, and `attention` follows from it and the state, see
    `mailroom.executions.history.last_result`.

    Of a deleted one, `deleted_from` is the state that it had, and until `delete_after` the deletion can be undone; None
    since then.
    """

    __tablename__ = "export_schedules"
    __table_args__ = (
        Index(None, "user_id", "state", "created_at"),
        Index(None, "created_at", "id"),
        Index(None, "sync_state", "updated_at"),
        Index(None, "state", "next_run"),
        Index(None, "report_id"),
        Index(None, "last_execution_id"),
        Index(None, "name", "id"),
        Index(None, "attention", "state", "user_id", "next_run"),
        Index("ix_export_schedules_attention", "attention", text(DUE), "id"),
        Index("ix_export_schedules_due", text(DUE), "id"),
        Index(None, "delete_after", sqlite_where=_UNDOABLE, postgresql_where=_UNDOABLE),
    )
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    report_id: Mapped[str] = mapped_column(ForeignKey("reports.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(200))
    schedule_config: Mapped[Json]
    distribution_config: Mapped[Json]
    filter_config: Mapped[Json]
    policy_config: Mapped[Json]
    state: Mapped[ScheduleState] = mapped_column(word_of(ScheduleState), default=ScheduleState.ACTIVE)
    is_active: Mapped[bool] = mapped_column(default=True)
    last_run: Mapped[datetime | None]
    last_status: Mapped[ExecutionState | None] = mapped_column(word_of(ExecutionState))
    last_due_at: Mapped[datetime | None]
    last_execution_id: Mapped[str | None] = mapped_column(String(36))
    attention: Mapped[int] = mapped_column(default=1)
    next_run: Mapped[datetime | None]
    accounted_until: Mapped[datetime] = mapped_column(default=_since_creation)
    generation: Mapped[int] = mapped_column(default=1)
    observed_generation: Mapped[int] = mapped_column(default=0)
    sync_state: Mapped[SyncState] = mapped_column(word_of(SyncState), default=SyncState.PENDING)
    sync_error: Mapped[str] = mapped_column(Text, default="")
    deployment_id: Mapped[str | None] = mapped_column(String(36))
    consecutive_failures: Mapped[int] = mapped_column(default=0)
    is_sample: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    delete_after: Mapped[datetime | None]
    deleted_from: Mapped[ScheduleState | None] = mapped_column(word_of(ScheduleState))


class ScheduleKey(Table):
    """Digests of what a schedule sends to whom and of the files it writes; a shared one means a possible conflict.

    `mailroom.schedules.conflicts.keys` makes them. Derived: written in the transaction that writes the schedule."""

    __tablename__ = "schedule_keys"
    __table_args__ = (Index(None, "key"),)
    schedule_id: Mapped[str] = mapped_column(ForeignKey("export_schedules.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(32), primary_key=True)


class Artifact(Table):
    """One rendered file (the user's "export"), addressed by its content's SHA-256."""

    __tablename__ = "exports"
    __table_args__ = (Index(None, "sha256"), Index(None, "expires_at"))
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    sha256: Mapped[str] = mapped_column(String(64))
    filename: Mapped[str] = mapped_column(String(255))
    format: Mapped[str] = mapped_column(String(20))
    media_type: Mapped[str] = mapped_column(String(150))
    size: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Rendering(Table):
    """One piece of (report version, parameters, due time): the message, or the file of a format; `key` digests those.

    `result` keeps what deliveries and conditions need besides files: the message's body and pictures as SHA-256 of the
    store, and how many rows the report has.
    """

    __tablename__ = "renderings"
    __table_args__ = (Index(None, "report_id", "created_at"),)
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    report_id: Mapped[str] = mapped_column(String(80))
    report_version: Mapped[str] = mapped_column(String(64))
    artifact_ids: Mapped[list[Any]]
    result: Mapped[Json]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Execution(Table):
    """Our record of working on an occurrence, or on a test, run-now or backfill.

    The partial unique index is the claim: one scheduled execution for each due time of a schedule. `waits_for` is the
    execution that a pending one waits for, `superseded_by` the one that a cancelled one was ended for. `reason` has the
    words of `reason_code` and `reason_values`, for people who read the table. At `retry_requested_at` a person asked
    for another try of an ended one, see `mailroom.executions.again`.

    `pass_count` is also the number of the pass that may write, see `mailroom.executions.fence`. `crash_count` counts
    how often the run was put back since its process had died, `error_count` the passes that an error of ours ended.
    `plan` is what the first pass planned for every recipient, see `mailroom.passes.planned`. `held_by` is the stop that
    it waits for, or has waited for last. `corrects` is the wrong execution that a correction is sent in place of; each
    can be corrected once. `rendering` tells how its rendering went, see `mailroom.executions.history.progress`.
    `data_facts` is what conditions know of its data, see `mailroom.passes.conditions.kept`; it is only read on purpose.
    """

    __tablename__ = "schedule_executions"
    __table_args__ = (
        Index(
            "uq_schedule_executions_occurrence",
            "schedule_id",
            "due_at",
            unique=True,
            sqlite_where=text("kind = 'scheduled'"),
            postgresql_where=text("kind = 'scheduled'"),
        ),
        Index(None, "schedule_id", "due_at", "id"),
        Index(None, "due_at", "id"),
        Index(None, "status", "due_at"),
        Index(None, "retry_requested_at"),
        Index(None, "completed_at"),
        Index(None, "held_by", sqlite_where=text("held_by IS NOT NULL"), postgresql_where=text("held_by IS NOT NULL")),
        Index(None, "corrects", unique=True, sqlite_where=_CORRECTS, postgresql_where=_CORRECTS),
        Index(None, "kind", "due_at", sqlite_where=_ASKED_FOR, postgresql_where=_ASKED_FOR),
        Index(None, "error_id", sqlite_where=_HAS_ERROR, postgresql_where=_HAS_ERROR),
        Index(None, "export_id", sqlite_where=_HAS_FILE, postgresql_where=_HAS_FILE),
    )
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    schedule_id: Mapped[str] = mapped_column(ForeignKey("export_schedules.id"))
    kind: Mapped[ExecutionKind] = mapped_column(word_of(ExecutionKind), default=ExecutionKind.SCHEDULED)
    due_at: Mapped[datetime]
    status: Mapped[ExecutionState] = mapped_column(word_of(ExecutionState), default=ExecutionState.PENDING)
    reason: Mapped[str] = mapped_column(Text, default="")
    reason_code: Mapped[str | None] = mapped_column(String(40))
    reason_values: Mapped[Json | None] = mapped_column(JsonOrNull)
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    error_message: Mapped[str | None] = mapped_column(Text)
    error_id: Mapped[str | None] = mapped_column(String(36))
    export_id: Mapped[str | None] = mapped_column(ForeignKey("exports.id"))
    artifact_ids: Mapped[list[Any]] = mapped_column(default=list)
    report_version: Mapped[str | None] = mapped_column(String(64))
    flow_run_id: Mapped[str | None] = mapped_column(String(36), index=True)
    pass_count: Mapped[int] = mapped_column(default=0)
    render_failures: Mapped[int] = mapped_column(default=0)
    crash_count: Mapped[int] = mapped_column(default=0)
    error_count: Mapped[int] = mapped_column(default=0)
    plan: Mapped[Json | None] = mapped_column(JsonOrNull)
    rendering: Mapped[Json | None] = mapped_column(JsonOrNull)
    data_facts: Mapped[Json | None] = mapped_column(JsonOrNull, deferred=True, deferred_raiseload=True)
    next_pass_at: Mapped[datetime | None]
    waits_for: Mapped[str | None] = mapped_column(String(36))
    held_by: Mapped[str | None] = mapped_column(String(36))
    superseded_by: Mapped[str | None] = mapped_column(String(36))
    lease_until: Mapped[datetime | None]
    requested_by: Mapped[str | None] = mapped_column(String(36))
    retry_requested_at: Mapped[datetime | None]
    test_recipient: Mapped[str | None] = mapped_column(String(320))
    corrects: Mapped[str | None] = mapped_column(String(36))
    correction_reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]


class Delivery(UploadProgress, Table):
    """One artifact set to one recipient or path of one destination. `key` is fixed before the first byte is sent.

    `reason_code` says why it is suppressed, as a code; `error_message` says it in words.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("execution_id", "position", "recipient"),
        Index(None, "status", "created_at", "id"),
        Index(None, "created_at", "id"),
        Index(None, "recipient", "created_at", "id"),
        Index(None, "execution_id", "channel", "connection"),
        Index("ix_deliveries_person", text("lower(recipient)"), "created_at", "id"),
        Index(
            "ix_deliveries_sending",
            "connection",
            sqlite_where=text("status = 'sending'"),
            postgresql_where=text("status = 'sending'"),
        ),
    )
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    execution_id: Mapped[str] = mapped_column(ForeignKey("schedule_executions.id"))
    position: Mapped[int]
    channel: Mapped[str] = mapped_column(String(40))
    connection: Mapped[str] = mapped_column(String(100))
    recipient: Mapped[str] = mapped_column(String(500))
    key: Mapped[str] = mapped_column(String(64), unique=True)
    destination: Mapped[Json]
    status: Mapped[DeliveryState] = mapped_column(word_of(DeliveryState), default=DeliveryState.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    receipt: Mapped[Json | None]
    error_message: Mapped[str | None] = mapped_column(Text)
    reason_code: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime]


class Attempt(Table):
    """One try of a delivery. The row is committed before the first byte leaves; no `ended_at` means it broke off."""

    __tablename__ = "attempts"
    __table_args__ = (UniqueConstraint("delivery_id", "number"),)
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    delivery_id: Mapped[str] = mapped_column(ForeignKey("deliveries.id"))
    number: Mapped[int]
    flow_run_id: Mapped[str | None] = mapped_column(String(36))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[DeliveryState | None] = mapped_column(word_of(DeliveryState))
    error_message: Mapped[str | None] = mapped_column(Text)


class AuditEvent(Table):
    """An entry of the audit trail: who did what, how, and from where; `on_behalf_of` is whom it was done for.

    Rows are only added: triggers of the database refuse anything else, see migration 0014 and `mailroom.audit`.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        Index(None, "entity_type", "entity_id", "at"),
        Index(None, "at", "id"),
        Index(None, "actor", "at"),
    )
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(320))
    on_behalf_of: Mapped[str | None] = mapped_column(String(320))
    action: Mapped[str] = mapped_column(String(60))
    entity_type: Mapped[str] = mapped_column(String(40))
    entity_id: Mapped[str] = mapped_column(String(100))
    detail: Mapped[Json]
    address: Mapped[str | None] = mapped_column(String(64))
    login: Mapped[str | None] = mapped_column(String(100))
