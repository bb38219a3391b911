"""Incidents, alerts and heartbeats"""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant, JsonColumn

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_OPEN = sa.text("resolved_at IS NULL")
_WAITING = sa.text("state = 'pending'")


def upgrade() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("severity", sa.String(20), nullable=False),
        sa.Column("values", JsonColumn, nullable=False),
        sa.Column("owner_id", sa.String(36), nullable=True),
        sa.Column("opened_at", Instant(timezone=True), nullable=False),
        sa.Column("last_seen_at", Instant(timezone=True), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("resolved_at", Instant(timezone=True), nullable=True),
        sa.Column("merged_into", sa.String(36), nullable=True),
        sa.Column("level", sa.String(20), nullable=False),
        sa.Column("next_level_at", Instant(timezone=True), nullable=True),
        sa.Column("acknowledged_at", Instant(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.String(320), nullable=True),
        sa.Column("muted_until", Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
    )
    op.create_index(
        "uq_incidents_open", "incidents", ["kind", "subject"], unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.create_index("ix_incidents_opened_at_id", "incidents", ["opened_at", "id"])
    op.create_index("ix_incidents_owner_id_opened_at", "incidents", ["owner_id", "opened_at"])
    op.create_index("ix_incidents_resolved_at", "incidents", ["resolved_at"])
    op.create_table(
        "incident_schedules",
        sa.Column("incident_id", sa.String(36), nullable=False),
        sa.Column("schedule_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "schedule_id", name="pk_incident_schedules"),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_incident_schedules_incident_id"),
    )
    op.create_index("ix_incident_schedules_schedule_id", "incident_schedules", ["schedule_id"])
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("incident_id", sa.String(36), nullable=False),
        sa.Column("stage", sa.String(20), nullable=False),
        sa.Column("level", sa.String(20), nullable=False),
        sa.Column("route", sa.String(20), nullable=False),
        sa.Column("target", sa.String(320), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Instant(timezone=True), nullable=True),
        sa.Column("sent_at", Instant(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("fallback_of", sa.String(36), nullable=True),
        sa.Column("created_at", Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_alerts_incident_id"),
        sa.UniqueConstraint(
            "incident_id", "stage", "level", "route", "target", name="uq_alerts_incident_id_stage_level_route_target"
        ),
    )
    op.create_index(
        "ix_alerts_waiting", "alerts", ["next_attempt_at"], sqlite_where=_WAITING, postgresql_where=_WAITING
    )
    op.create_index("ix_alerts_created_at_id", "alerts", ["created_at", "id"])
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("process", sa.String(120), nullable=False),
        sa.Column("began_at", Instant(timezone=True), nullable=False),
        sa.Column("last_success", Instant(timezone=True), nullable=False),
        sa.Column("late_after", sa.Float(), nullable=False),
        sa.Column("detail", JsonColumn, nullable=False),
        sa.PrimaryKeyConstraint("name", "process", name="pk_heartbeats"),
    )
