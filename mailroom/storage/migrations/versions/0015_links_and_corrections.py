"""Downloads by links, unsubscribing, and corrections"""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_CORRECTS = sa.text("corrects IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "downloads",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("delivery_id", sa.String(36), nullable=False),
        sa.Column("at", Instant(timezone=True), nullable=False),
        sa.Column("filename", sa.String(255), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name="fk_downloads_delivery_id"),
        sa.PrimaryKeyConstraint("id", name="pk_downloads"),
    )
    op.create_index("ix_downloads_delivery_id_at", "downloads", ["delivery_id", "at"])
    op.create_table(
        "unsubscriptions",
        sa.Column("address", sa.String(320), nullable=False),
        sa.Column("schedule_id", sa.String(36), nullable=False),
        sa.Column("delivery_id", sa.String(36), nullable=False),
        sa.Column("created_at", Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["export_schedules.id"], name="fk_unsubscriptions_schedule_id"),
        sa.PrimaryKeyConstraint("address", "schedule_id", name="pk_unsubscriptions"),
    )
    op.create_index("ix_unsubscriptions_schedule_id", "unsubscriptions", ["schedule_id"])
    op.add_column("schedule_executions", sa.Column("corrects", sa.String(36), nullable=True))
    op.add_column("schedule_executions", sa.Column("correction_reason", sa.Text(), nullable=True))
    op.create_index(
        "ix_schedule_executions_corrects",
        "schedule_executions",
        ["corrects"],
        unique=True,
        sqlite_where=_CORRECTS,
        postgresql_where=_CORRECTS,
    )
