"""Turns, outcomes and breakers of connections"""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "connection_turns",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("next_us", sa.BigInteger(), nullable=False),
        sa.Column("line_us", sa.BigInteger(), nullable=False),
        sa.Column("went", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_connection_turns"),
    )
    op.create_table(
        "connection_outcomes",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("period", sa.BigInteger(), nullable=False),
        sa.Column("worked", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", "slot", name="pk_connection_outcomes"),
    )
    op.create_table(
        "connection_health",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("since", Instant(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("trips", sa.Integer(), nullable=False),
        sa.Column("probe_at", Instant(timezone=True), nullable=True),
        sa.Column("under_way", sa.Integer(), nullable=False),
        sa.Column("under_way_until", Instant(timezone=True), nullable=True),
        sa.Column("succeeded", sa.Integer(), nullable=False),
        sa.Column("stop_id", sa.String(36), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_connection_health"),
    )
    # Counts what is under way through a connection; few rows are in it at any moment.
    op.create_index(
        "ix_deliveries_sending",
        "deliveries",
        ["connection"],
        sqlite_where=sa.text("status = 'sending'"),
        postgresql_where=sa.text("status = 'sending'"),
    )
