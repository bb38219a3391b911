"""Stops, the clock of the ledger, and indexes to find deliveries"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant, new_id

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stops",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("scope", sa.String(length=20), nullable=False),
        sa.Column("target", sa.String(length=100), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("stopped_by", sa.String(length=320), nullable=False),
        sa.Column("stopped_at", Instant(timezone=True), nullable=False),
        sa.Column("known_until", Instant(timezone=True), nullable=True),
        sa.Column("resumed_by", sa.String(length=320), nullable=True),
        sa.Column("resumed_at", Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stops")),
    )
    standing = sa.text("resumed_at IS NULL")
    op.create_index(
        "uq_stops_standing",
        "stops",
        ["scope", "target", "cause"],
        unique=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )
    clock = op.create_table(
        "ledger_clock",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ledger_id", sa.String(length=36), nullable=False),
        sa.Column("ticks", sa.BigInteger(), nullable=False),
        sa.Column("ticked_at", Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_clock")),
    )
    op.bulk_insert(clock, [{"id": 1, "ledger_id": new_id(), "ticks": 0, "ticked_at": datetime.now(UTC)}])

    op.add_column("schedule_executions", sa.Column("held_by", sa.String(length=36), nullable=True))
    held = sa.text("held_by IS NOT NULL")
    op.create_index(
        op.f("ix_schedule_executions_held_by"),
        "schedule_executions",
        ["held_by"],
        sqlite_where=held,
        postgresql_where=held,
    )
    # Nothing looked for deliveries by their next attempt; people look for them by their state.
    op.drop_index(op.f("ix_deliveries_status_next_attempt_at"), "deliveries")
    for columns in (["status", "created_at", "id"], ["created_at", "id"], ["recipient", "created_at", "id"]):
        op.create_index(op.f(f"ix_deliveries_{'_'.join(columns)}"), "deliveries", columns)
