"""What users ask for within an hour"""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hourly_uses",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("budget", sa.String(20), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("at", Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_hourly_uses_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_hourly_uses"),
    )
    op.create_index("ix_hourly_uses_user_id_budget_at", "hourly_uses", ["user_id", "budget", "at"])
