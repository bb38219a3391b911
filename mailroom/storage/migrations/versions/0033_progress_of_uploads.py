"""Progress of uploads: how many bytes of a large delivery have left, while it is being sent."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("sent_bytes", sa.BigInteger(), nullable=True))
    op.add_column("deliveries", sa.Column("total_bytes", sa.BigInteger(), nullable=True))
