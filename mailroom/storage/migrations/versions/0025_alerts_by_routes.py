"""Alerts by routes: who is told, and whether the far side may have it already"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alerts", sa.Column("user_id", sa.String(36), nullable=True))
    op.add_column("alerts", sa.Column("in_doubt", sa.Boolean(), nullable=False, server_default=sa.false()))
