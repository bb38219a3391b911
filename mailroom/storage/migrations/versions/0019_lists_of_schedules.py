"""Lists of schedules: their last result and saved views"""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant, JsonColumn

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_BATCH = 1000
_SCHEDULES = sa.table("export_schedules", sa.column("id", sa.String), sa.column("distribution_config", JsonColumn))
_DESTINATIONS = sa.table(
    "schedule_destinations",
    sa.column("schedule_id", sa.String),
    sa.column("position", sa.Integer),
    sa.column("channel", sa.String),
    sa.column("connection", sa.String),
    sa.column("recipients", sa.Integer),
)
_ATTENTION = """
UPDATE export_schedules SET attention = CASE
  WHEN state = 'deleted' THEN 2
  WHEN state = 'suspended' THEN 0
  WHEN state IN ('active', 'finished') AND last_status IN ('failed', 'partial', 'missed') THEN 0
  ELSE 1 END
"""
_DUE = "coalesce(next_run, '9999-12-31 00:00:00+00')"
_LAST = """
UPDATE export_schedules SET (last_status, last_due_at, last_execution_id) = (
  SELECT e.status, e.due_at, e.id FROM schedule_executions AS e
  WHERE e.schedule_id = export_schedules.id AND e.kind <> 'test'
    AND e.status IN ('success', 'partial', 'failed', 'cancelled', 'skipped', 'missed')
  ORDER BY e.due_at DESC, e.id DESC LIMIT 1)
"""


def upgrade() -> None:
    op.add_column("export_schedules", sa.Column("last_status", sa.String(20), nullable=True))
    op.add_column("export_schedules", sa.Column("last_due_at", Instant(timezone=True), nullable=True))
    op.add_column("export_schedules", sa.Column("last_execution_id", sa.String(36), nullable=True))
    op.add_column("export_schedules", sa.Column("attention", sa.Integer(), nullable=False, server_default=sa.text("1")))
    op.create_table(
        "schedule_destinations",
        sa.Column("schedule_id", sa.String(36), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("connection", sa.String(100), nullable=False),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["export_schedules.id"], name="fk_schedule_destinations_schedule_id"),
        sa.PrimaryKeyConstraint("schedule_id", "position", name="pk_schedule_destinations"),
    )
    op.create_table(
        "saved_views",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_saved_views_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_saved_views"),
    )
    op.create_index("ix_saved_views_user_id_name", "saved_views", ["user_id", "name"], unique=True)
    op.execute(_LAST)
    op.execute(_ATTENTION)
    _fill(op.get_bind())
    op.create_index("ix_schedule_destinations_channel_connection", "schedule_destinations", ["channel", "connection"])
    op.create_index("ix_schedule_destinations_connection", "schedule_destinations", ["connection"])
    op.create_index("ix_export_schedules_name_id", "export_schedules", ["name", "id"])
    op.create_index(
        "ix_export_schedules_attention_state_user_id_next_run",
        "export_schedules",
        ["attention", "state", "user_id", "next_run"],
    )
    op.create_index("ix_export_schedules_attention", "export_schedules", ["attention", sa.text(_DUE), "id"])
    op.create_index("ix_export_schedules_due", "export_schedules", [sa.text(_DUE), "id"])


def _fill(connection: sa.Connection) -> None:
    """Write down where the schedules of before send to."""
    last = ""
    while True:
        query = sa.select(_SCHEDULES).where(_SCHEDULES.c.id > last).order_by(_SCHEDULES.c.id).limit(_BATCH)
        found = connection.execute(query).all()
        rows = [
            {"schedule_id": schedule_id, "position": position, **_facts(one)}
            for schedule_id, config in found
            for position, one in enumerate(config.get("destinations", []))
        ]
        if rows:
            connection.execute(sa.insert(_DESTINATIONS), rows)
        if len(found) < _BATCH:
            return
        last = found[-1].id


def _facts(one: dict) -> dict:
    people = {address.lower() for field in ("to", "cc", "bcc") for address in one.get(field) or []}
    mail = one.get("channel") == "email"
    return {
        "channel": str(one.get("channel", ""))[:40],
        "connection": str(one.get("connection") or "")[:100],
        "recipients": len(people) if mail else 1,
    }
