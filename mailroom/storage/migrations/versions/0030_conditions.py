"""Conditions"""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import JsonOrNull

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("schedule_executions", sa.Column("data_facts", JsonOrNull, nullable=True))
    op.create_index("ix_renderings_report_id_created_at", "renderings", ["report_id", "created_at"])
