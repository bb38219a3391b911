"""The sealed audit trail, which is only added to"""

from datetime import UTC, datetime
from hashlib import sha256

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant, new_id

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# What may be deleted was sealed, and lies before the place that a signed checkpoint has the hash of.
_REMOVABLE = """SELECT 1 FROM audit_seals AS s JOIN audit_chain AS c ON s.position <= c.kept_after
    WHERE s.event_id = OLD.id"""
_SEAL_REMOVABLE = "SELECT 1 FROM audit_chain AS c WHERE OLD.position <= c.kept_after"
_REFUSAL = "The audit trail is only added to."
_TABLES = {"audit_events": _REMOVABLE, "audit_seals": _SEAL_REMOVABLE}


def upgrade() -> None:
    op.add_column("audit_events", sa.Column("address", sa.String(64), nullable=True))
    op.add_column("audit_events", sa.Column("login", sa.String(100), nullable=True))
    op.create_index("ix_audit_events_actor_at", "audit_events", ["actor", "at"])
    op.create_table(
        "audit_seals",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_audit_seals"),
        sa.UniqueConstraint("event_id", name="uq_audit_seals_event_id"),
    )
    chain = op.create_table(
        "audit_chain",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("trail_id", sa.String(36), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("sealed_at", Instant(timezone=True), nullable=False),
        sa.Column("kept_after", sa.BigInteger(), nullable=False),
        sa.Column("kept_hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_chain"),
    )
    trail_id, now = new_id(), datetime.now(UTC)
    begin = sha256(trail_id.encode()).hexdigest()  # As `mailroom.audit.sealing.chain.beginning` has it.
    row = {"id": 1, "trail_id": trail_id, "position": 0, "hash": begin, "sealed_at": now}
    op.bulk_insert(chain, [{**row, "kept_after": 0, "kept_hash": begin}])
    op.create_table(
        "secret_ages",
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("since", Instant(timezone=True), nullable=False),
        sa.Column("reminded_at", Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_secret_ages"),
    )
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgres()
    else:
        _guard_sqlite()


def _guard_sqlite() -> None:
    for table, removable in _TABLES.items():
        refuse = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}")
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN NOT EXISTS ({removable}) {refuse}")


def _guard_postgres() -> None:
    for table, removable in _TABLES.items():
        op.execute(
            f"""CREATE FUNCTION {table}_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'DELETE' THEN
                    IF EXISTS ({removable}) THEN
                        RETURN OLD;
                    END IF;
                END IF;
                RAISE EXCEPTION '{_REFUSAL}';
            END $$"""
        )
        op.execute(
            f"CREATE TRIGGER {table}_only_added BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_only_added()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_only_added()"
        )
