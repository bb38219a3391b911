"""The last check of a connection, and since when its secrets are what they are"""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("connections", sa.Column("secret_changed_at", Instant(timezone=True), nullable=True))
    op.add_column("connections", sa.Column("last_check_at", Instant(timezone=True), nullable=True))
    op.add_column("connections", sa.Column("last_check_ok", sa.Boolean(), nullable=True))
    op.add_column("connections", sa.Column("last_check_message", sa.Text(), nullable=True))
    # These kinds always have a secret, and until now it was sent with each change. Of the others only the block knows.
    op.execute("UPDATE connections SET secret_changed_at = updated_at WHERE kind IN ('sql', 'webhook')")
