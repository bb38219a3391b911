"""Told at set times"""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant, JsonOrNull

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_WAITING = sa.text("state = 'pending'")


def upgrade() -> None:
    op.create_table(
        "tellings",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("target", sa.String(320), nullable=False),
        sa.Column("period", sa.String(80), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("connection", sa.String(100), nullable=False),
        sa.Column("content", JsonOrNull, nullable=True),
        sa.Column("schedule_id", sa.String(36), nullable=True),
        sa.Column("execution_id", sa.String(36), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Instant(timezone=True), nullable=True),
        sa.Column("sent_at", Instant(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tellings"),
        sa.UniqueConstraint("kind", "target", "period", name="uq_tellings_kind_target_period"),
    )
    op.create_index(
        "ix_tellings_waiting", "tellings", ["next_attempt_at"], sqlite_where=_WAITING, postgresql_where=_WAITING
    )
    op.create_index("ix_tellings_created_at", "tellings", ["created_at"])
    op.create_index("ix_tellings_kind_period", "tellings", ["kind", "period"])
    op.create_index("ix_tellings_execution_id", "tellings", ["execution_id"])
