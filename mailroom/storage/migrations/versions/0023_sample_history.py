"""Schedules that are sample data"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("export_schedules", sa.Column("is_sample", sa.Boolean(), nullable=False, server_default=sa.false()))
