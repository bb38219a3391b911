"""Keep SQL sources away from hosts that may not be reached, and from the databases of Mailroom and Prefect.

A report may read any database of a server but ours: the same host, port and database of PostgreSQL, the same file of
SQLite. What no client can see stays open: a pooler or a replica in front of our database has another address. The
login of a source should therefore have no right to read it.
"""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect_mailroom import outbound
from prefect_mailroom.errors import ConfigurationError, RetryLater, SourceUnavailable, TargetForbidden
from prefect_mailroom.never_targets import THIS_MACHINE, never_targets

_REMEDY = "Use postgresql://user:password@host:5432/database without them."


def refuse_our_file(file: Path) -> None:
    """Refuse the database files of Mailroom and Prefect, whatever path or link leads to them.

    Raises:
        TargetForbidden: it is one of them.
    """
    if file.exists() and never_targets().holds(file):
        raise TargetForbidden(
            "This is a database of Mailroom or Prefect, which no report may read.",
            remedy="Name the file of another database.",
            field="url",
        )


def pinned(parameters: Mapping[str, Any], *, seconds: float) -> dict[str, Any]:
    """Return the parameters of libpq that name the same server by addresses that were checked, and its database.

    Args:
        parameters: those that the URL gave.
        seconds: the time for each look-up.

    Raises:
        TargetForbidden: a host may not be reached, or the database is ours.
        ConfigurationError: a host does not exist, or a parameter would let libpq go elsewhere.
        SourceUnavailable: the name server did not answer.
    """
    for name in ("hostaddr", "service", "servicefile"):
        if name in parameters:
            raise ConfigurationError(f"The URL must not set {name}.", remedy=_REMEDY, field="url")
    user = str(parameters.get("user") or os.environ.get("PGUSER") or getpass.getuser())
    database = str(parameters.get("dbname") or os.environ.get("PGDATABASE") or user)
    hosts = str(parameters.get("host") or os.environ.get("PGHOST") or "").split(",")
    ports = str(parameters.get("port") or os.environ.get("PGPORT") or 5432).split(",")
    if len(ports) not in (1, len(hosts)):
        raise ConfigurationError("The URL needs one port, or one for each host.", remedy=_REMEDY, field="url")
    found: list[tuple[str, str, str]] = []
    unknown: outbound.NoSuchHost | None = None
    for at, host in enumerate(hosts):
        port = ports[at if len(ports) > 1 else 0] or "5432"
        try:
            found += [(host, address, port) for address in _checked(host, port, database, seconds)]
        except outbound.NoSuchHost as error:
            unknown = error  # libpq tries the others too.
    if not found and unknown:
        raise unknown
    names, addresses, chosen = (",".join(column) for column in zip(*found, strict=True))
    # An empty host is libpq's own default, a Unix socket; so an empty list of addresses is.
    return {"host": names, "hostaddr": addresses, "port": chosen, "dbname": database}


def _checked(host: str, port: str, database: str, seconds: float) -> list[str]:
    """Return the addresses of a host that may be reached; one that is empty for a Unix socket, which has none."""
    is_socket = not host or host[0] in "/@"
    name = THIS_MACHINE if is_socket else host
    try:
        number = int(port)
        addresses = asyncio.run(outbound.resolve(name, number, timeout=seconds, database=database))
    except RetryLater as error:
        raise SourceUnavailable(error.message, remedy="The query will be tried again.") from error
    except TargetForbidden as error:
        raise TargetForbidden(error.message, remedy=error.remedy, field="url") from error
    except ValueError as error:
        raise ConfigurationError(f"'{port[:20]}' is not a port.", remedy=_REMEDY, field="url") from error
    return [""] if is_socket else addresses
