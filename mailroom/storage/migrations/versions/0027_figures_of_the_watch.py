"""Figures of the watch"""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant, JsonColumn

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "counted_hours",
        sa.Column("hour", Instant(timezone=True), nullable=False),
        sa.Column("counts", JsonColumn, nullable=False),
        sa.Column("flow", JsonColumn, nullable=False),
        sa.Column("detail", JsonColumn, nullable=False),
        sa.Column("most", JsonColumn, nullable=False),
        sa.PrimaryKeyConstraint("hour", name="pk_counted_hours"),
    )
    op.create_table(
        "counted_days",
        sa.Column("day", Instant(timezone=True), nullable=False),
        sa.Column("detail", JsonColumn, nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_counted_days"),
    )
    op.create_table(
        "counted_totals",
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("since", Instant(timezone=True), nullable=False),
        sa.Column("looked_until", Instant(timezone=True), nullable=False),
        sa.Column("counts", JsonColumn, nullable=False),
        sa.Column("kept", JsonColumn, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counted_totals"),
    )
    op.create_index("ix_schedule_executions_completed_at", "schedule_executions", ["completed_at"])
