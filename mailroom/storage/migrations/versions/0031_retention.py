"""Retention"""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_IS_SET = sa.text("export_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "retention_progress",
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("at", Instant(timezone=True), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("leased_until", Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", name="pk_retention_progress"),
    )
    # Without it the database would read all executions for each file that is removed, to see that none names it.
    op.create_index(
        "ix_schedule_executions_export_id",
        "schedule_executions",
        ["export_id"],
        sqlite_where=_IS_SET,
        postgresql_where=_IS_SET,
    )
    op.create_index("ix_export_schedules_last_execution_id", "export_schedules", ["last_execution_id"])
