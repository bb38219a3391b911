"""Let Postgres' own tools, pg_dump and pg_restore, take and put back a database of one instant.

Where a database is and its password are passed in the environment, since anybody on the machine can read arguments.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import URL, make_url

from mailroom.errors import Conflict
from prefect_mailroom.errors import ConfigurationError, MailroomError

_DEBIAN = Path("/usr/lib/postgresql")
_OWN_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
_ENDING_SECONDS = 3.0
_LATE = 3600 * 12
"""After so many seconds a tool is given up."""


def environment_of(url: str) -> dict[str, str]:
    """Return the variables by which libpq finds the database of a SQLAlchemy URL. Pure."""
    found: URL = make_url(url)
    query = {name: value if isinstance(value, str) else value[0] for name, value in found.query.items()}
    values = {
        "PGHOST": query.get("host") or found.host or "",
        "PGPORT": query.get("port") or (str(found.port) if found.port else ""),
        "PGUSER": query.get("user") or found.username or "",
        "PGPASSWORD": query.get("password") or str(found.password or ""),
        "PGDATABASE": found.database or "",
        "PGSSLMODE": query.get("sslmode") or query.get("ssl") or "",
        "PGSSLROOTCERT": query.get("sslrootcert") or "",
    }
    return {name: value for name, value in values.items() if value}


def dump(url: str, target: Path) -> None:
    """Write a dump of a database that may be in use.

    Raises:
        MailroomError: pg_dump failed; its words are in the message.
    """
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.close(descriptor)
    _run("pg_dump", ["--format=custom", "--no-owner", "--no-privileges", f"--file={target}"], url)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def fault_of(file: Path) -> str:
    """Return what pg_restore finds wrong with a dump, or an empty text."""
    try:
        _call([tool("pg_restore"), "--list", str(file)], os.environ)
    except MailroomError as error:
        return error.message
    return ""


def is_empty(url: str) -> bool:
    """Tell whether a database, which must be there, has no table."""
    with _connected(url) as connection:
        row = connection.execute(_TABLES).fetchone()
    return row is None or not row[0]


def _others(connection: psycopg.Connection[Any]) -> int:
    """Return how many other sessions use the database; those that are just ending are given a moment."""
    until = time.monotonic() + _ENDING_SECONDS
    while True:
        row = connection.execute(_OWN_SESSIONS).fetchone()
        others = int(row[0]) if row else 0
        if not others or time.monotonic() > until:
            return others
        time.sleep(0.1)


def load(file: Path, url: str, *, replace: bool) -> None:
    """Put a dump into a database, all of it or nothing.

    Args:
        replace: whether everything that is in the database may be removed first.

    Raises:
        Conflict: somebody uses the database.
        MailroomError: pg_restore failed; its words are in the message.
    """
    with _connected(url) as connection:
        others = _others(connection)
        if others:
            name = make_url(url).database
            raise Conflict(
                f"The database {name} is in use by {others} other sessions.",
                remedy="Stop everything that uses it, and repeat the command.",
            )
        if replace:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
    arguments = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    _run("pg_restore", [*arguments, f"--dbname={make_url(url).database}", str(file)], url)


def tool(name: str, server: int = 0) -> str:
    """Return the tool of the server's version, or else of the next later one on this machine.

    An older tool refuses a newer server, and what a newer pg_restore writes, an older server may not understand.

    Args:
        server: the major version of the server; 0 takes the newest tool.

    Raises:
        ConfigurationError: there is none that is new enough.
    """
    on_path = shutil.which(name)
    places = [*([on_path] if on_path else []), *(str(path) for path in sorted(_DEBIAN.glob(f"*/bin/{name}")))]
    found = {version: place for place in reversed(places) if (version := version_of(place)) >= server}
    if not found:
        raise ConfigurationError(
            f"{name} of Postgres {server or ''} is not installed, and the database is on Postgres.",
            remedy="Install the client programs of Postgres (Debian: postgresql-client) of the server's version.",
        )
    return found[min(found) if server else max(found)]


@cache
def version_of(place: str) -> int:
    """Return the major version of a tool."""
    said = subprocess.run([place, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout  # noqa: S603  # A tool of Postgres.
    number = re.search(r"\d+", said)
    return int(number.group()) if number else 0


def _connected(url: str) -> psycopg.Connection[tuple[object, ...]]:
    wanted = environment_of(url)
    names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password", "PGDATABASE": "dbname"}
    names |= {"PGSSLMODE": "sslmode", "PGSSLROOTCERT": "sslrootcert"}
    try:
        return psycopg.connect("", autocommit=True, **{names[name]: value for name, value in wanted.items()})  # type: ignore[arg-type]  # psycopg's parameters are text
    except psycopg.OperationalError as error:
        raise MailroomError(
            f"The database {make_url(url).database} cannot be reached.", remedy="Start it, or correct its address."
        ) from error


def _run(name: str, arguments: list[str], url: str) -> None:
    with _connected(url) as connection:
        server = connection.info.server_version // 10_000
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    _call([tool(name, server), *arguments], {**kept, **environment_of(url)})


def _call(command: list[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(  # noqa: S603  # A tool of Postgres, with arguments of ours.
        command, env=dict(environment), capture_output=True, text=True, check=False, timeout=_LATE
    )
    if done.returncode:
        words = done.stderr.strip().splitlines()
        raise MailroomError(
            f"{Path(command[0]).name} failed: {' '.join(words[-3:])}",
            remedy="Mend what it tells of, and repeat the command.",
        )
