"""Recipients are people"""

import sqlalchemy as sa
from alembic import op

from mailroom.storage.database import Instant, JsonColumn

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_BATCH = 1000
_SCHEDULES = sa.table("export_schedules", sa.column("id", sa.String), sa.column("distribution_config", JsonColumn))
_RECIPIENTS = sa.table("schedule_recipients", sa.column("address", sa.String), sa.column("schedule_id", sa.String))


def upgrade() -> None:
    op.create_table(
        "schedule_recipients",
        sa.Column("address", sa.String(320), nullable=False),
        sa.Column("schedule_id", sa.String(36), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["export_schedules.id"], name="fk_schedule_recipients_schedule_id"),
        sa.PrimaryKeyConstraint("address", "schedule_id", name="pk_schedule_recipients"),
    )
    op.create_index("ix_schedule_recipients_schedule_id", "schedule_recipients", ["schedule_id"])
    op.create_table(
        "suppressions",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("address", sa.String(320), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(320), nullable=False),
        sa.Column("created_at", Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_suppressions"),
    )
    op.create_index("ix_suppressions_address", "suppressions", ["address"], unique=True)
    op.create_index("ix_suppressions_created_at_id", "suppressions", ["created_at", "id"])
    op.create_index("ix_deliveries_person", "deliveries", [sa.text("lower(recipient)"), "created_at", "id"])
    op.add_column("deliveries", sa.Column("reason_code", sa.String(40), nullable=True))
    op.add_column("api_keys", sa.Column("age_reminded_at", Instant(timezone=True), nullable=True))
    op.add_column("connections", sa.Column("is_made", sa.Boolean(), nullable=False, server_default=sa.true()))
    _fill(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    """Write down whom the schedules of before send their mails to."""
    last = ""
    while True:
        query = sa.select(_SCHEDULES).where(_SCHEDULES.c.id > last).order_by(_SCHEDULES.c.id).limit(_BATCH)
        found = connection.execute(query).all()
        rows = [
            {"address": address, "schedule_id": schedule_id}
            for schedule_id, config in found
            for address in sorted(_addresses(config))
        ]
        if rows:
            connection.execute(sa.insert(_RECIPIENTS), rows)
        if len(found) < _BATCH:
            return
        last = found[-1].id


def _addresses(config: dict) -> set:
    mails = [one for one in config.get("destinations", []) if one.get("channel") == "email"]
    return {address.lower() for mail in mails for field in ("to", "cc", "bcc") for address in mail.get(field, [])}
