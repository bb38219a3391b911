"""Several hosts: the mark of the store of artifacts, and which earlier versions can work with these tables."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ledger_clock", sa.Column("artifact_store", sa.String(36), nullable=True))
    op.add_column("ledger_clock", sa.Column("works_from", sa.String(32), nullable=True))
