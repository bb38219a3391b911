"""The first tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

import mailroom.storage.database

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=320), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("entity_type", sa.String(length=40), nullable=False),
        sa.Column("entity_id", sa.String(length=100), nullable=False),
        sa.Column("detail", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    with op.batch_alter_table("audit_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_events_at_id"), ["at", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_audit_events_entity_type_entity_id_at"), ["entity_type", "entity_id", "at"], unique=False
        )

    op.create_table(
        "calendars",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column(
            "definition", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False
        ),
        sa.Column("created_at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.Column("updated_at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendars")),
    )
    op.create_table(
        "connections",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("block_type_slug", sa.String(length=100), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.Column("updated_at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_connections")),
    )
    op.create_table(
        "exports",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("format", sa.String(length=20), nullable=False),
        sa.Column("media_type", sa.String(length=150), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("created_at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.Column("expires_at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
    )
    with op.batch_alter_table("exports", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_exports_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_exports_sha256"), ["sha256"], unique=False)

    op.create_table(
        "idempotency_keys",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column(
            "response", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=True
        ),
        sa.Column("created_at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", "user_id", name=op.f("pk_idempotency_keys")),
    )
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotency_keys_created_at"), ["created_at"], unique=False)

    op.create_table(
        "renderings",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("report_id", sa.String(length=80), nullable=False),
        sa.Column("report_version", sa.String(length=64), nullable=False),
        sa.Column(
            "artifact_ids", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False
        ),
        sa.Column("result", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False),
        sa.Column("created_at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.Column("expires_at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_renderings")),
        sa.UniqueConstraint("key", name=op.f("uq_renderings_key")),
    )
    with op.batch_alter_table("renderings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_renderings_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "reports",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column(
            "definition", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False
        ),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.Column("updated_at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.Column("updated_at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "export_schedules",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("report_id", sa.String(length=80), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "schedule_config",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "distribution_config",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "filter_config", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False
        ),
        sa.Column(
            "policy_config", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False
        ),
        sa.Column(
            "state",
            sa.Enum(
                "active",
                "paused",
                "suspended",
                "finished",
                "deleted",
                name="schedulestate",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("last_run", mailroom.storage.database.Instant(timezone=True), nullable=True),
        sa.Column("next_run", mailroom.storage.database.Instant(timezone=True), nullable=True),
        sa.Column("accounted_until", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("observed_generation", sa.Integer(), nullable=False),
        sa.Column(
            "sync_state",
            sa.Enum("synced", "pending", "error", name="syncstate", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("sync_error", sa.Text(), nullable=False),
        sa.Column("deployment_id", sa.String(length=36), nullable=True),
        sa.Column("consecutive_failures", sa.Integer(), nullable=False),
        sa.Column("created_at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.Column("updated_at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.Column("deleted_at", mailroom.storage.database.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_export_schedules_report_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_export_schedules_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_schedules")),
    )
    with op.batch_alter_table("export_schedules", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_export_schedules_created_at_id"), ["created_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_export_schedules_report_id"), ["report_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_export_schedules_state_next_run"), ["state", "next_run"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_export_schedules_sync_state_updated_at"), ["sync_state", "updated_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_export_schedules_user_id_state_created_at"), ["user_id", "state", "created_at"], unique=False
        )

    op.create_table(
        "schedule_keys",
        sa.Column("schedule_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["export_schedules.id"], name=op.f("fk_schedule_keys_schedule_id")),
        sa.PrimaryKeyConstraint("schedule_id", "key", name=op.f("pk_schedule_keys")),
    )
    with op.batch_alter_table("schedule_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_schedule_keys_key"), ["key"], unique=False)

    op.create_table(
        "notifications",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.Column("severity", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("schedule_id", sa.String(length=36), nullable=True),
        sa.Column("execution_id", sa.String(length=36), nullable=True),
        sa.Column("read_at", mailroom.storage.database.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notifications_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
    )
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_notifications_user_id_read_at_at"), ["user_id", "read_at", "at"], unique=False
        )

    op.create_table(
        "schedule_executions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("schedule_id", sa.String(length=36), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("scheduled", "test", "run_now", "backfill", name="executionkind", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("due_at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "running",
                "retrying",
                "success",
                "partial",
                "failed",
                "cancelled",
                "skipped",
                "missed",
                name="executionstate",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("started_at", mailroom.storage.database.Instant(timezone=True), nullable=True),
        sa.Column("completed_at", mailroom.storage.database.Instant(timezone=True), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("error_id", sa.String(length=36), nullable=True),
        sa.Column("export_id", sa.String(length=36), nullable=True),
        sa.Column(
            "artifact_ids", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False
        ),
        sa.Column("report_version", sa.String(length=64), nullable=True),
        sa.Column("flow_run_id", sa.String(length=36), nullable=True),
        sa.Column("pass_count", sa.Integer(), nullable=False),
        sa.Column("render_failures", sa.Integer(), nullable=False),
        sa.Column("next_pass_at", mailroom.storage.database.Instant(timezone=True), nullable=True),
        sa.Column("waits_for", sa.String(length=36), nullable=True),
        sa.Column("superseded_by", sa.String(length=36), nullable=True),
        sa.Column("lease_until", mailroom.storage.database.Instant(timezone=True), nullable=True),
        sa.Column("requested_by", sa.String(length=36), nullable=True),
        sa.Column("test_recipient", sa.String(length=320), nullable=True),
        sa.Column("created_at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["export_id"], ["exports.id"], name=op.f("fk_schedule_executions_export_id")),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["export_schedules.id"], name=op.f("fk_schedule_executions_schedule_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule_executions")),
    )
    with op.batch_alter_table("schedule_executions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_schedule_executions_due_at_id"), ["due_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_schedule_executions_flow_run_id"), ["flow_run_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_schedule_executions_schedule_id_due_at_id"), ["schedule_id", "due_at", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_schedule_executions_status_due_at"), ["status", "due_at"], unique=False)
        batch_op.create_index(
            "uq_schedule_executions_occurrence",
            ["schedule_id", "due_at"],
            unique=True,
            sqlite_where=sa.text("kind = 'scheduled'"),
            postgresql_where=sa.text("kind = 'scheduled'"),
        )

    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("execution_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("connection", sa.String(length=100), nullable=False),
        sa.Column("recipient", sa.String(length=500), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column(
            "destination", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False
        ),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "sending",
                "delivered",
                "unknown",
                "refused",
                "failed",
                "suppressed",
                name="deliverystate",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", mailroom.storage.database.Instant(timezone=True), nullable=True),
        sa.Column("delivered_at", mailroom.storage.database.Instant(timezone=True), nullable=True),
        sa.Column("receipt", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["execution_id"], ["schedule_executions.id"], name=op.f("fk_deliveries_execution_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "execution_id", "position", "recipient", name=op.f("uq_deliveries_execution_id_position_recipient")
        ),
        sa.UniqueConstraint("key", name=op.f("uq_deliveries_key")),
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_deliveries_status_next_attempt_at"), ["status", "next_attempt_at"], unique=False
        )

    op.create_table(
        "attempts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("delivery_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("flow_run_id", sa.String(length=36), nullable=True),
        sa.Column("started_at", mailroom.storage.database.Instant(timezone=True), nullable=False),
        sa.Column("ended_at", mailroom.storage.database.Instant(timezone=True), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "pending",
                "sending",
                "delivered",
                "unknown",
                "refused",
                "failed",
                "suppressed",
                name="deliverystate",
                native_enum=False,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_attempts_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("delivery_id", "number", name=op.f("uq_attempts_delivery_id_number")),
    )
