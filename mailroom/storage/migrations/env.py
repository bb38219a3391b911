"""Alembic's entry: runs on the connection that `mailroom.storage.migrations.upgrade` hands over."""

from alembic import context

from mailroom.storage import stop_tables  # noqa: F401  # Its tables belong to the metadata as well.
from mailroom.storage.model import audit, connection_health, limits, recipients  # noqa: F401  # So do these.
from mailroom.storage.tables import Table

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Table.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
