"""Reasons with codes"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    values = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.add_column("schedule_executions", sa.Column("reason_code", sa.String(length=40), nullable=True))
    op.add_column("schedule_executions", sa.Column("reason_values", values, nullable=True))
