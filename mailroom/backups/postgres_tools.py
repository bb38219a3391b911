"""Let Postgres' own tools, pg_dump and pg_restore, take and put back a database of one instant.

Where a database is and its password are passed in the environment, since anybody on the machine can read arguments.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

from mailroom.errors import Conflict
from prefect_mailroom.errors import ConfigurationError, MailroomError

_DEBIAN = Path("/usr/lib/postgresql")
_OWN_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
_LATE = 3600 * 12


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
        _call("pg_restore", ["--list", str(file)], os.environ)
    except MailroomError as error:
        return error.message
    return ""


def is_empty(url: str) -> bool:
    """Tell whether a database, which must be there, has no table."""
    with _connected(url) as connection:
        row = connection.execute(_TABLES).fetchone()
    return row is None or not row[0]


def load(file: Path, url: str, *, replace: bool) -> None:
    """Put a dump into a database, all of it or nothing.

    Args:
        replace: whether everything that is in the database may be removed first.

    Raises:
        Conflict: somebody uses the database.
        MailroomError: pg_restore failed; its words are in the message.
    """
    with _connected(url) as connection:
        row = connection.execute(_OWN_SESSIONS).fetchone()
        if row and row[0]:
            name = make_url(url).database
            raise Conflict(
                f"The database {name} is in use by {row[0]} other sessions.",
                remedy="Stop everything that uses it, and repeat the command.",
            )
        if replace:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
    arguments = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    _run("pg_restore", [*arguments, f"--dbname={make_url(url).database}", str(file)], url)


def version_of(tool: str) -> int:
    """Return the major version of the tool that would be used."""
    found = re.search(r"\d+", _call(tool, ["--version"], os.environ))
    return int(found.group()) if found else 0


def tool(name: str) -> str:
    """Return the newest of these tools on the machine: an older one refuses a newer server.

    Raises:
        ConfigurationError: there is none.
    """
    on_path = shutil.which(name)
    debian = sorted(_DEBIAN.glob(f"*/bin/{name}"), key=lambda path: _number(path.parts[-3]), reverse=True)
    if on_path is None and not debian:
        raise ConfigurationError(
            f"{name} is not installed, and the database is on Postgres.",
            remedy="Install the client programs of Postgres (Debian: postgresql-client) of the server's version.",
        )
    # What the operator has put on the path is meant, unless it is the wrapper or the only one of the distribution.
    wrapped = on_path is None or on_path.startswith("/usr/bin/")
    return str(debian[0]) if wrapped and debian else str(on_path)


def _number(text: str) -> float:
    return float(text) if text.replace(".", "", 1).isdigit() else 0.0


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
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    _call(name, arguments, {**kept, **environment_of(url)})


def _call(name: str, arguments: list[str], environment: Mapping[str, str]) -> str:
    done = subprocess.run(  # noqa: S603  # A tool of Postgres, with arguments of ours.
        [tool(name), *arguments], env=dict(environment), capture_output=True, text=True, check=False, timeout=_LATE
    )
    if done.returncode:
        words = done.stderr.strip().splitlines()
        raise MailroomError(
            f"{name} failed: {' '.join(words[-3:])}", remedy="Mend what it tells of, and repeat the command."
        )
    return done.stdout
