"""Drafts and templates of schedules"""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant, JsonColumn, JsonOrNull

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "schedule_drafts",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("parts", JsonColumn, nullable=False),
        sa.Column("unsaved", JsonOrNull, nullable=True),
        sa.Column("starts_paused", sa.Boolean(), nullable=False),
        sa.Column("schedule_id", sa.String(36), nullable=True),
        sa.Column("etag", sa.String(100), nullable=True),
        sa.Column("activated_as", sa.String(36), nullable=True),
        sa.Column("created_at", Instant(timezone=True), nullable=False),
        sa.Column("updated_at", Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_schedule_drafts_user_id"),
        sa.ForeignKeyConstraint(["schedule_id"], ["export_schedules.id"], name="fk_schedule_drafts_schedule_id"),
        sa.ForeignKeyConstraint(["activated_as"], ["export_schedules.id"], name="fk_schedule_drafts_activated_as"),
        sa.PrimaryKeyConstraint("id", name="pk_schedule_drafts"),
    )
    op.create_index("ix_schedule_drafts_user_id_updated_at", "schedule_drafts", ["user_id", "updated_at"])
    op.create_index("ix_schedule_drafts_updated_at_id", "schedule_drafts", ["updated_at", "id"])
    op.create_table(
        "schedule_templates",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("description", sa.String(500), nullable=False),
        sa.Column("body", JsonColumn, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(timezone=True), nullable=False),
        sa.Column("updated_at", Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_schedule_templates_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_schedule_templates"),
    )
    op.create_index("ix_schedule_templates_user_id", "schedule_templates", ["user_id"])
    op.create_table(
        "schedule_template_shares",
        sa.Column("template_id", sa.String(36), nullable=False),
        sa.Column("subject", sa.String(60), nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["schedule_templates.id"],
            name="fk_schedule_template_shares_template_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("template_id", "subject", name="pk_schedule_template_shares"),
    )
    op.create_index("ix_schedule_template_shares_subject", "schedule_template_shares", ["subject"])
