"""Product events"""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant, JsonColumn

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_PENDING = sa.text("state = 'pending'")


def upgrade() -> None:
    op.create_table(
        "product_events",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("data", JsonColumn, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Instant(timezone=True), nullable=True),
        sa.Column("retry_until", Instant(timezone=True), nullable=False),
        sa.Column("sent_at", Instant(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_product_events"),
    )
    op.create_index(
        "ix_product_events_waiting",
        "product_events",
        ["next_attempt_at"],
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    )
    op.create_index("ix_product_events_created_at_id", "product_events", ["created_at", "id"])
