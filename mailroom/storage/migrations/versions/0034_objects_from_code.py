"""Objects from code: which of them were applied from documents, and from where."""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant, JsonColumn

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "code_marks",
        sa.Column("bundle", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("entity_id", sa.String(100), nullable=False),
        sa.Column("source", sa.String(500), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("missing_secrets", JsonColumn, nullable=False),
        sa.Column("applied_by", sa.String(320), nullable=False),
        sa.Column("applied_at", Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("bundle", "kind", "name", name="pk_code_marks"),
    )
    op.create_index("ix_code_marks_kind_entity_id", "code_marks", ["kind", "entity_id"], unique=True)
