"""Databases opened for reading only, with a time budget for each statement. Imports no Prefect.

SQLite is opened `mode=ro`, and an authorizer lets nothing but reading pass: without it ATTACH would create files.
PostgreSQL gets a READ ONLY transaction in a session that is read-only by default, and a statement timeout; its server
also refuses what a read-only transaction may not call, such as `nextval`. What the login itself may do (reading
server files as a superuser, say) no client can take away: give Mailroom a login that may only read.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from prefect_mailroom import outbound
from prefect_mailroom.errors import ConfigurationError, MailroomError, SourceRefused, SourceUnavailable
from prefect_mailroom.sources import engine_guard

if TYPE_CHECKING:
    from collections.abc import Callable

READ_ONLY = "A report may only read data. Write one SELECT, or WITH … SELECT."
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_FORBIDDEN_FUNCTIONS = {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"}
# SQLite asks about the time each so many steps of its machine: some milliseconds apart, at no cost one could measure.
_STEPS = 50_000
_CONNECT_SECONDS = 10


class Deadline:
    """The time that one statement may use in the database; what its reader does in between does not count.

    `with deadline:` stands around each call into the database.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._left = seconds
        self._started: float | None = None

    def restart(self) -> None:
        """Give the next statement its full time."""
        self._left = self.seconds

    @property
    def passed(self) -> bool:
        """Tell whether the time is used up."""
        running = time.monotonic() - self._started if self._started is not None else 0.0
        return running > self._left

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._started is not None:
            self._left -= time.monotonic() - self._started
            self._started = None

    def refusal(self) -> SourceRefused:
        """Return the error for a statement that took too long."""
        return SourceRefused(
            f"The query took longer than the {self.seconds:g} s that the connection allows.",
            remedy="Make the query select less, add an index, or raise the connection's statement timeout.",
        )


@contextmanager
def read_only(url: str, deadline: Deadline) -> Iterator[Connection]:
    """Open a connection that can only read; all its statements see the data as of the first one.

    Args:
        url: `sqlite:///path/to/file.db` or `postgresql://user:password@host/database`.

    Raises:
        ConfigurationError: the URL is of another database, or its file does not exist.
        SourceUnavailable, SourceRefused: the database cannot be reached, or refuses the login.
    """
    engine = _engine(_parsed(url), deadline)
    try:
        with translated(deadline), engine.connect() as connection, _guarded(connection, deadline):
            yield connection
    finally:
        engine.dispose()


def screen(url: str) -> None:
    """Refuse a database that may never be read; nothing is connected to. See `outbound.Screened`. Blocking.

    Raises:
        ConfigurationError: the URL is of another kind of database, or forbidden.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        engine_guard.refuse_our_file(Path(parsed.database or ""))
        return
    [_, parameters] = parsed.set(drivername="postgresql+psycopg").get_dialect()().create_connect_args(parsed)
    with outbound.screening():
        engine_guard.pinned(parameters, seconds=outbound.SCREEN_SECONDS)


@contextmanager
def translated(deadline: Deadline) -> Iterator[None]:
    """Turn the drivers' errors into ours; here and nowhere else."""
    try:
        yield
    except MailroomError:
        raise
    except (SQLAlchemyError, sqlite3.Error, sqlite3.Warning) as error:
        raise _ours(error, deadline) from None  # The driver's error may show the statement's values.
    except OverflowError:
        raise SourceRefused("A whole number is too large for the database.", remedy="Use a smaller value.") from None
    except Exception as error:
        if not type(error).__module__.startswith("psycopg"):
            raise
        raise _ours(error, deadline) from None


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # A port that is no number is a bare ValueError.
        # No cause: it repeats the URL, password and all.
        raise _wrong_url("The connection's URL cannot be read.") from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise _wrong_url(f"Mailroom does not support the database '{parsed.get_backend_name()}'.")
    return parsed


def _wrong_url(message: str) -> ConfigurationError:
    remedy = "Write sqlite:///path/to/file.db or postgresql://user:password@host:5432/database."
    return ConfigurationError(message, remedy=remedy, field="url")


def _engine(url: URL, deadline: Deadline) -> Engine:
    if url.get_backend_name() == "sqlite":
        file = Path(url.database or "")
        if not file.is_file():
            remedy = "Correct the path in the connection's URL. `mailroom init` creates the sample database."
            raise ConfigurationError(f"There is no database file {file}.", remedy=remedy, field="url")
        engine_guard.refuse_our_file(file)
        address = URL.create(
            "sqlite", database=f"file:{quote(str(file.resolve()))}", query={"mode": "ro", "uri": "true"}
        )
        return create_engine(address, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": 5})
    milliseconds = max(1, round(deadline.seconds * 1000))
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        hide_parameters=True,
        isolation_level="REPEATABLE READ",
        execution_options={"postgresql_readonly": True},
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "application_name": "mailroom",
            "options": f"-c default_transaction_read_only=on -c statement_timeout={milliseconds}",
        },
    )
    event.listen(engine, "do_connect", _pin)
    return engine


def _pin(_dialect: object, _record: object, _arguments: list[Any], parameters: dict[str, Any]) -> None:
    """Let the driver connect to addresses that were checked just now, and to no others."""
    parameters.update(engine_guard.pinned(parameters, seconds=_CONNECT_SECONDS))


@contextmanager
def _guarded(connection: Connection, deadline: Deadline) -> Iterator[None]:
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        yield
        return
    driver.execute("BEGIN")  # One view of the data for all queries of a report.
    driver.set_authorizer(_authorizer())
    driver.set_progress_handler(lambda: int(deadline.passed), _STEPS)
    try:
        yield
    finally:  # SQLAlchemy's own ROLLBACK follows.
        driver.set_authorizer(None)
        driver.set_progress_handler(None, 0)


def _authorizer() -> Callable[[int, str | None, str | None, str | None, str | None], int]:
    def allow(action: int, _first: str | None, second: str | None, _base: str | None, _trigger: str | None) -> int:
        function = action == sqlite3.SQLITE_FUNCTION and (second or "").lower()
        allowed = action in _READING and function not in _FORBIDDEN_FUNCTIONS
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    return allow


def _ours(error: Exception, deadline: Deadline) -> MailroomError:
    cause = getattr(error, "orig", None) or error
    words = str(cause).strip().split("\n", 1)[0][:300] or type(cause).__name__
    if isinstance(cause, sqlite3.Error | sqlite3.Warning):
        return _from_sqlite(words, deadline)
    return _from_postgres(str(getattr(cause, "sqlstate", None) or ""), words, deadline)


def _from_sqlite(words: str, deadline: Deadline) -> MailroomError:
    if words == "interrupted":
        return deadline.refusal()
    if "authorized" in words or "prohibited" in words or "readonly" in words or "one statement" in words:
        return SourceRefused(f"The database refused the query: {words}.", remedy=READ_ONLY)
    if "locked" in words or "unable to open" in words or "disk I/O" in words:
        return SourceUnavailable(f"The database cannot be read now: {words}.", remedy="The query will be tried again.")
    return SourceRefused(f"The database refused the query: {words}.", remedy="Correct the query.")


def _from_postgres(state: str, words: str, deadline: Deadline) -> MailroomError:
    if state == "57014":
        return deadline.refusal()
    login_failed = "authentication failed" in words or "no password supplied" in words
    if state[:2] in ("28", "3D") or (not state and (login_failed or "does not exist" in words)):
        remedy = "Correct the user, password and database in the connection's URL."
        return ConfigurationError(f"PostgreSQL refused the login: {words}.", remedy=remedy, field="url")
    if state == "25006" or "cannot insert multiple commands" in words or "data-modifying" in words:
        return SourceRefused(f"The database refused the query: {words}.", remedy=READ_ONLY)
    if not state or state[:2] in ("08", "40", "53", "55", "57", "58"):
        return SourceUnavailable(f"The database cannot be read now: {words}.", remedy="The query will be tried again.")
    if state == "42501":
        return SourceRefused(f"The database refused the query: {words}.", remedy="Grant SELECT to the database user.")
    return SourceRefused(f"The database refused the query: {words}.", remedy="Correct the query.")
