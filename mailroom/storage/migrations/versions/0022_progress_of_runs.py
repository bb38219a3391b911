"""Progress of runs, and what they are searched by"""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import JsonOrNull

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("schedule_executions", sa.Column("rendering", JsonOrNull, nullable=True))
    has_error = sa.text("error_id IS NOT NULL")
    op.create_index(
        "ix_schedule_executions_error_id",
        "schedule_executions",
        ["error_id"],
        sqlite_where=has_error,
        postgresql_where=has_error,
    )
    asked_for = sa.text("kind <> 'scheduled'")
    op.create_index(
        "ix_schedule_executions_kind_due_at",
        "schedule_executions",
        ["kind", "due_at"],
        sqlite_where=asked_for,
        postgresql_where=asked_for,
    )
    # Which executions sent something through a channel or a connection is answered by the index alone.
    op.create_index(
        "ix_deliveries_execution_id_channel_connection", "deliveries", ["execution_id", "channel", "connection"]
    )
