"""What passes remember"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    plan = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    for name in ("crash_count", "error_count"):
        op.add_column("schedule_executions", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("schedule_executions", sa.Column("plan", plan, nullable=True))
