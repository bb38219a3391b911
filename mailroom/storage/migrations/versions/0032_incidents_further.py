"""Incidents further: what was told of them, and which of them flap."""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_END_UNTOLD = sa.text("resolved_at IS NOT NULL AND told_level IS NOT NULL AND end_told_at IS NULL")


def upgrade() -> None:
    op.add_column("incidents", sa.Column("tell_at", Instant(timezone=True), nullable=True))
    op.add_column("incidents", sa.Column("told_level", sa.String(20), nullable=True))
    op.add_column("incidents", sa.Column("end_told_at", Instant(timezone=True), nullable=True))
    op.add_column("incidents", sa.Column("flaps", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_incidents_kind_subject_opened_at", "incidents", ["kind", "subject", "opened_at"])
    op.create_index(
        "ix_incidents_end_untold",
        "incidents",
        ["resolved_at"],
        sqlite_where=_END_UNTOLD,
        postgresql_where=_END_UNTOLD,
    )
