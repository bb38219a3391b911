"""The block of a database that reports read from."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from pydantic import Field, SecretStr
from sqlalchemy import text

from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.own_class import OwnClass
from prefect_mailroom.sources.engine import Deadline, read_only, screen, translated


class SqlSource(OwnClass):
    """A SQLite or PostgreSQL database, opened for reading only.

    Give it a login that may do nothing but read: what a login may do beyond (a superuser can read the server's files)
    no client can take away.
    """

    _block_type_name = "Mailroom SQL source"
    _block_type_slug = "mailroom-sql-source"
    _description = "A SQLite or PostgreSQL database that reports read from but never write to."

    kind: ClassVar[str] = "sql"
    harmless_fields: ClassVar[frozenset[str]] = frozenset({"statement_timeout"})

    url: SecretStr = Field(description="sqlite:///path/to/file.db or postgresql://user:password@host:5432/database")
    statement_timeout: float = Field(
        default=120, gt=0, le=6 * 3600, description="How many seconds one query may run in the database."
    )

    def access(self) -> dict[str, Any]:
        """Return what a renderer process needs to read, JSON-ready. It holds the secret: use a pipe only."""
        return {"kind": self.kind, "url": self.url.get_secret_value(), "statement_timeout": self.statement_timeout}

    async def screen(self) -> None:
        """Refuse a host that may never be reached, and the databases of Mailroom and Prefect."""
        await asyncio.to_thread(screen, self.url.get_secret_value())

    async def check(self, steps: Steps | None = None) -> str:
        """Prove that the database can be read; return one line about it.

        Args:
            steps: is told each step as it is tried.

        Raises:
            ConfigurationError, SourceUnavailable, SourceRefused: it cannot.
        """
        with (steps or Steps()).step(StepName.ANSWER) as told:
            told.message = await asyncio.to_thread(self._check)
        return told.message

    def _check(self) -> str:
        deadline = Deadline(min(self.statement_timeout, 10))
        with read_only(self.url.get_secret_value(), deadline) as connection, translated(deadline), deadline:
            if connection.dialect.name == "sqlite":
                tables = connection.scalar(text("select count(*) from sqlite_master where type in ('table', 'view')"))
                return f"SQLite, read-only, {tables} tables and views."
            version, user, is_superuser = connection.execute(
                text("select current_setting('server_version'), current_user, current_setting('is_superuser')")
            ).one()
            warning = (
                " This user is a superuser. Give Mailroom a login that may only read." if is_superuser == "on" else ""
            )
            return f"PostgreSQL {version}, read-only, as {user}.{warning}"
