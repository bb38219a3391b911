"""Name what no channel and no source may ever connect to, even where the operator opened this machine or its network.

These are Prefect's API, our own API, the databases of both, and Redis: whoever reaches Prefect's API can read every
secret. They are named in three places:

- `MAILROOM_OUTBOUND_OWN`, which each process of Mailroom writes from its settings when it starts;
- `MAILROOM_OUTBOUND_CLOSED`, where the operator adds more: `redis.corp.internal:6379 10.0.9.0/24`;
- the settings of Prefect in this process: its API, its database and its Redis.

An entry is a `host:port`, a network, or a URL. The URL of a database closes its server to everything but SQL sources,
and this one database to SQL sources too. Nothing here imports Prefect.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from prefect_mailroom.errors import ConfigurationError

CLOSED_VARIABLE = "MAILROOM_OUTBOUND_CLOSED"
OWN_VARIABLE = "MAILROOM_OUTBOUND_OWN"
THIS_MACHINE = "127.0.0.1"
"""The host that a Unix socket counts as."""

_ALIASES = {"postgres": "postgresql", "mariadb": "mysql", "rediss": "redis"}
_DATABASES = {"postgresql": 5432, "mysql": 3306}
_SERVERS = {"http": 80, "https": 443, "redis": 6379}
_HOST_AND_PORT = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})")
_FILE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server of ours; `database` is set where it is a database server, and names our database there."""

    host: str
    port: int
    database: str | None = None


@dataclass(frozen=True, slots=True)
class NeverTargets:
    """All that is never a target: servers, networks, and the files of SQLite databases."""

    endpoints: tuple[Endpoint, ...]
    networks: tuple[IPv4Network | IPv6Network, ...]
    files: tuple[Path, ...]

    def on(self, port: int, database: str | None) -> list[Endpoint]:
        """Return the servers with this port that are closed to a client of this database; None is for other clients."""
        return [
            endpoint
            for endpoint in self.endpoints
            if endpoint.port == port and (None in (database, endpoint.database) or database == endpoint.database)
        ]

    def holds(self, file: Path) -> bool:
        """Tell whether this is the file of one of our databases, whatever path or link leads to it."""
        return any(ours.exists() and ours.samefile(file) for ours in self.files)


def never_targets() -> NeverTargets:
    """Return what is never a target, as the environment stands now.

    Raises:
        ConfigurationError: an entry, or a URL of Prefect's settings, cannot be read.
    """
    closed = [
        entry
        for word in _words(os.environ.get(CLOSED_VARIABLE, ""))
        for entry in _readable(CLOSED_VARIABLE, word) or [word]
    ]
    return _read((*_own_entries(), *closed))


def passed_on() -> dict[str, str]:
    """Return the variables by which a child process knows all this without Prefect's settings; they hold no secret."""
    return {OWN_VARIABLE: " ".join(_own_entries()), CLOSED_VARIABLE: os.environ.get(CLOSED_VARIABLE, "")}


def entries_of(url: str) -> list[str]:
    """Return the entries of a URL, one for each host, without its credentials; none where it names no server or file.

    Raises:
        ValueError: it cannot be read.
    """
    scheme = url.partition(":")[0].partition("+")[0].lower()
    scheme = _ALIASES.get(scheme, scheme)
    if scheme in _SERVERS:
        parts = urlsplit(url)
        return [_entry(parts.hostname, parts.port or _SERVERS[scheme])] if parts.hostname else []
    if scheme in (*_DATABASES, "sqlite"):
        return list(_of_database(scheme, url))
    return []


def _of_database(scheme: str, url: str) -> Iterator[str]:
    # Only here: a renderer process is given entries that need no further reading, and may do without SQLAlchemy.
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError("it is no URL of a database") from None  # The error may repeat the password.
    if scheme == "sqlite":
        path = str(parsed.database or "").removeprefix("file:").partition("?")[0]
        if path and path != ":memory:":
            yield file_entry(Path(path))
        return
    hosts = [parsed.host] if parsed.host else _of_query(parsed.query.get("host"))
    ports = [str(parsed.port)] if parsed.port else _of_query(parsed.query.get("port"))
    database = parsed.database or parsed.username or ""
    for at, host in enumerate(hosts):
        is_socket = not host or host[0] in "/@"
        name, _, port = (host, "", "") if is_socket or host.count(":") > 1 else host.partition(":")
        port = port or ports[at if len(ports) > 1 else 0] or str(_DATABASES[scheme])
        yield f"{scheme}://{_entry(THIS_MACHINE if is_socket else name, int(port))}/{quote(database, safe='')}"


def _of_query(value: str | Sequence[str] | None) -> list[str]:
    return (value if isinstance(value, str) else ",".join(value or ())).split(",")


def file_entry(file: Path) -> str:
    """Return the entry of a SQLite database in this file."""
    return _FILE + quote(str(file.absolute()))


def _entry(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _own_entries() -> list[str]:
    return list(dict.fromkeys([*_words(os.environ.get(OWN_VARIABLE, "")), *_of_prefect()]))


def _of_prefect() -> Iterator[str]:
    """Yield the entries of Prefect's own settings, from the environment and from where Prefect has read more.

    Prefect is not imported for that: a renderer process does without it, and is told by its parent.
    """
    for name in os.environ:
        if name.startswith("PREFECT_") and name.endswith("_URL"):
            yield from _readable(name, os.environ[name])
    current_settings = getattr(sys.modules.get("prefect.settings"), "get_current_settings", None)
    if current_settings is not None:
        settings: Any = current_settings()
        database = settings.server.database.connection_url
        yield from _readable("PREFECT_API_URL", settings.api.url or "")
        yield from _readable("PREFECT_SERVER_DATABASE_CONNECTION_URL", database.get_secret_value() if database else "")
    if redis := os.environ.get("PREFECT_REDIS_MESSAGING_HOST"):
        yield f"{redis}:{os.environ.get('PREFECT_REDIS_MESSAGING_PORT', '6379')}"
    # The default of a Prefect server that is told of no database.
    yield file_entry(Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser() / "prefect.db")


def _readable(name: str, url: str) -> list[str]:
    try:
        return entries_of(url)
    except ValueError:
        raise _unreadable(name, "") from None  # The URL may hold a password.


def _unreadable(name: str, entry: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} has the entry '{entry}', which cannot be read." if entry else f"{name} has a URL that cannot be read.",
        remedy="Write host:port, a network such as 10.8.0.0/16 (no host bits), or a URL, separated by commas.",
        field=name,
    )


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,]+", text) if word]


@functools.lru_cache(maxsize=16)
def _read(entries: tuple[str, ...]) -> NeverTargets:
    endpoints: list[Endpoint] = []
    networks: list[IPv4Network | IPv6Network] = []
    files: list[Path] = []
    for entry in entries:
        scheme, _, rest = entry.rpartition("://")
        server, _, database = rest.partition("/")
        if entry.startswith(_FILE):
            files.append(Path(unquote(entry.removeprefix(_FILE))))
        elif found := _HOST_AND_PORT.fullmatch(server if scheme else entry):
            endpoints.append(Endpoint(found[1] or found[2], int(found[3]), unquote(database) or None))
        else:
            try:
                networks.append(ip_network(entry))
            except ValueError as error:
                raise _unreadable(CLOSED_VARIABLE, entry) from error
    return NeverTargets(tuple(endpoints), tuple(networks), tuple(files))
