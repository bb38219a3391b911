"""Kinds of notifications, the incidents that they are about, and schedules that users have muted"""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notifications", sa.Column("kind", sa.String(40), nullable=False, server_default="other"))
    op.add_column("notifications", sa.Column("incident_id", sa.String(36), nullable=True))
    op.add_column("notifications", sa.Column("subject", sa.String(200), nullable=True))
    op.create_index("ix_notifications_user_id_at_id", "notifications", ["user_id", "at", "id"])
    op.create_index("ix_notifications_schedule_id_at", "notifications", ["schedule_id", "at"])
    op.create_index("ix_notifications_at_id", "notifications", ["at", "id"])
    op.create_table(
        "notification_mutes",
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("schedule_id", sa.String(36), nullable=False),
        sa.Column("until", Instant(timezone=True), nullable=True),
        sa.Column("created_at", Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_notification_mutes_user_id"),
        sa.PrimaryKeyConstraint("user_id", "schedule_id", name="pk_notification_mutes"),
    )
