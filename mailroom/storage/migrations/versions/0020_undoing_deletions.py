"""Undoing deletions"""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_UNDOABLE = sa.text("delete_after IS NOT NULL")


def upgrade() -> None:
    op.add_column("export_schedules", sa.Column("delete_after", Instant(timezone=True), nullable=True))
    op.add_column("export_schedules", sa.Column("deleted_from", sa.String(20), nullable=True))
    # Few schedules are in it at any moment: those that were deleted within the last minutes.
    op.create_index(
        "ix_export_schedules_delete_after",
        "export_schedules",
        ["delete_after"],
        sqlite_where=_UNDOABLE,
        postgresql_where=_UNDOABLE,
    )
