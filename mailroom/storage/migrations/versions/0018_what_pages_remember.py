"""Say what pages remember: the preferences of users, and the notices of a session"""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import JsonColumn

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("preferences", JsonColumn, nullable=False, server_default="{}"))
    op.add_column("web_sessions", sa.Column("notices", JsonColumn, nullable=False, server_default="[]"))
