"""Retries that people ask for"""

import sqlalchemy as sa
from alembic import op

import mailroom.storage.database

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("schedule_executions", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("retry_requested_at", mailroom.storage.database.Instant(timezone=True), nullable=True)
        )
        batch_op.create_index(
            batch_op.f("ix_schedule_executions_retry_requested_at"), ["retry_requested_at"], unique=False
        )
