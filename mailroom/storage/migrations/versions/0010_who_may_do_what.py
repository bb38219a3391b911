"""Who may do what"""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant, JsonColumn

revision = "0010"
down_revision = "0005"
branch_labels = None
depends_on = None


def _instant(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, Instant(timezone=True), nullable=nullable)


def _reference(table: str, column: str, target: str) -> None:
    # Alembic refuses to add a foreign key on SQLite, which takes it with a column that may be NULL, as Postgres does.
    name = f"fk_{table}_{column}"
    op.execute(f"ALTER TABLE {table} ADD COLUMN {column} VARCHAR(36) CONSTRAINT {name} REFERENCES {target} (id)")


def upgrade() -> None:
    op.create_table(
        "teams",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("external_id", sa.String(200), nullable=True),
        _instant("created_at"),
        _instant("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_teams"),
    )
    op.create_index("ix_teams_external_id", "teams", ["external_id"], unique=True)
    op.add_column("users", sa.Column("role", sa.String(20), nullable=False, server_default="creator"))
    # There was one user, for whom the key of the installation acts.
    op.execute("UPDATE users SET role = 'admin'")
    _reference("users", "team_id", "teams")
    op.add_column("users", sa.Column("external_id", sa.String(200), nullable=True))
    op.add_column("users", sa.Column("is_service", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("users", sa.Column("grants", JsonColumn, nullable=False, server_default="[]"))
    op.create_index("ix_users_external_id", "users", ["external_id"], unique=True)
    op.create_index("ix_users_team_id", "users", ["team_id"])
    _reference("reports", "owner_id", "users")
    op.add_column("audit_events", sa.Column("on_behalf_of", sa.String(320), nullable=True))
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("prefix", sa.String(40), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scope", sa.String(20), nullable=False),
        _instant("expires_at", nullable=True),
        _instant("last_used_at", nullable=True),
        _instant("revoked_at", nullable=True),
        _instant("reminded_at", nullable=True),
        _instant("created_at"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_api_keys_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
    )
    op.create_index("ix_api_keys_prefix", "api_keys", ["prefix"], unique=True)
    op.create_index("ix_api_keys_user_id", "api_keys", ["user_id"])
    op.create_index("ix_api_keys_expires_at", "api_keys", ["expires_at"])
    op.create_table(
        "schedule_shares",
        sa.Column("schedule_id", sa.String(36), nullable=False),
        sa.Column("subject", sa.String(60), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["export_schedules.id"], name="fk_schedule_shares_schedule_id"),
        sa.PrimaryKeyConstraint("schedule_id", "subject", name="pk_schedule_shares"),
    )
    op.create_index("ix_schedule_shares_subject", "schedule_shares", ["subject"])
    op.create_table(
        "connection_grants",
        sa.Column("connection", sa.String(100), nullable=False),
        sa.Column("subject", sa.String(60), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection"], ["connections.name"], name="fk_connection_grants_connection", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection", "subject", name="pk_connection_grants"),
    )
    op.create_index("ix_connection_grants_subject", "connection_grants", ["subject"])
