"""Log in: web sessions, passwords, one-time links, subjects of the identity provider, failures"""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def _instant(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, Instant(timezone=True), nullable=nullable)


def _text(name: str, length: int) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=False)


def _of_users(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=f"fk_{table}_user_id")


def _indexes(table: str, *columns: str, unique: tuple[str, ...]) -> None:
    op.create_index(f"ix_{table}_{'_'.join(unique)}", table, list(unique), unique=True)
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column])


def upgrade() -> None:
    op.create_table(
        "web_sessions",
        _text("id", 36),
        _text("user_id", 36),
        _text("digest", 64),
        _text("method", 20),
        _text("address", 64),
        _text("agent", 200),
        _instant("created_at"),
        _instant("last_seen_at"),
        _instant("expires_at"),
        _instant("ended_at", nullable=True),
        _of_users("web_sessions"),
        sa.PrimaryKeyConstraint("id", name="pk_web_sessions"),
    )
    _indexes("web_sessions", "user_id", "expires_at", unique=("digest",))
    op.create_table(
        "local_passwords",
        _text("user_id", 36),
        _text("hash", 200),
        _instant("changed_at"),
        _of_users("local_passwords"),
        sa.PrimaryKeyConstraint("user_id", name="pk_local_passwords"),
    )
    op.create_table(
        "login_links",
        _text("id", 36),
        _text("user_id", 36),
        _text("digest", 64),
        _text("purpose", 20),
        _text("made_by", 320),
        _instant("created_at"),
        _instant("expires_at"),
        _instant("used_at", nullable=True),
        _of_users("login_links"),
        sa.PrimaryKeyConstraint("id", name="pk_login_links"),
    )
    _indexes("login_links", "user_id", "expires_at", unique=("digest",))
    op.create_table(
        "identities",
        _text("id", 36),
        _text("user_id", 36),
        _text("issuer", 400),
        _text("subject", 255),
        _instant("told_at"),
        _instant("created_at"),
        _of_users("identities"),
        sa.PrimaryKeyConstraint("id", name="pk_identities"),
    )
    _indexes("identities", "user_id", unique=("issuer", "subject"))
    op.create_table(
        "login_failures",
        _text("subject", 64),
        sa.Column("tries", sa.Integer(), nullable=False),
        _instant("since"),
        sa.PrimaryKeyConstraint("subject", name="pk_login_failures"),
    )
    op.create_index("ix_login_failures_since", "login_failures", ["since"])
