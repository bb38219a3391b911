"""Run a statement on SQLite by one hop to the connection's thread.

SQLAlchemy's adapter of aiosqlite hops four times for each statement: for the cursor, its execution, its rows and its
end; and once more each for a commit and a reset, also after reading alone. Each hop wakes a thread and then the event
loop, which costs more than most of our statements themselves.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection, AsyncAdapt_aiosqlite_cursor


class OneHopCursor(AsyncAdapt_aiosqlite_cursor):
    """A cursor that executes, reads all rows and closes in one go, as the adapter's own does in four."""

    __slots__ = ()

    def execute(self, operation: Any, parameters: Any = None) -> Any:
        """Execute a statement and keep its rows."""
        self._hop(False, operation, parameters or ())

    def executemany(self, operation: Any, seq_of_parameters: Any) -> Any:
        """Execute a statement with each of several sets of parameters."""
        self._hop(True, operation, seq_of_parameters)

    def _hop(self, many: bool, operation: str, parameters: Any) -> None:
        connection = self._connection
        try:
            # aiosqlite has no public way to run several calls at once in its thread.
            found = self.await_(connection._execute(_run, connection, many, operation, parameters))
        except Exception as error:
            self._adapt_connection._handle_exception(error)
        self.description, rows, self.lastrowid, self.rowcount = found
        self._rows = deque(rows)


def _run(connection: Any, many: bool, operation: str, parameters: Any) -> tuple[Any, list[Any], Any, int]:
    """Run in the connection's thread; return the description, the rows, the last row's id and the count of rows."""
    cursor: sqlite3.Cursor = connection._conn.cursor()
    try:
        if many:
            cursor.executemany(operation, parameters)
        else:
            cursor.execute(operation, parameters)
        if cursor.description and not many:
            return cursor.description, cursor.fetchall(), -1, -1
        return None, [], cursor.lastrowid, cursor.rowcount
    finally:
        cursor.close()


class OneHopConnection(AsyncAdapt_aiosqlite_connection):
    """The adapter's connection with these cursors. It hops for no end of a transaction where none has begun."""

    __slots__ = ()

    def cursor(self, server_side: bool = False) -> AsyncAdapt_aiosqlite_cursor:
        """Return a new cursor. One that streams its rows is the adapter's own."""
        return super().cursor(server_side) if server_side else OneHopCursor(self)

    def commit(self) -> None:
        """Commit what was written, if anything was."""
        if self._is_in_transaction():
            super().commit()

    def rollback(self) -> None:
        """Undo what was written, if anything was."""
        if self._is_in_transaction():
            super().rollback()

    def undo(self) -> None:
        """Undo what was written, also by a statement that has yet to run in the connection's thread."""
        super().rollback()

    def _is_in_transaction(self) -> bool:
        plain: Any = self._connection
        try:
            return bool(plain.in_transaction)
        except ValueError:  # The connection is closed; the adapter's own call says so.
            return True


def connect(dialect: Dialect, _record: Any, arguments: Any, named: Any) -> OneHopConnection:
    """Open a connection as the dialect does, for the event `do_connect` of an engine."""
    plain: Any = dialect.connect(*arguments, **named)
    return OneHopConnection(plain.dbapi, plain._connection)
