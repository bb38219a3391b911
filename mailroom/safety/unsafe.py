"""Say which settings production must not start with: each by its name, what is wrong with it, and what to do. Pure.

This is the only list. Each program refuses to start with what is on it and concerns that program, all of it at once,
and `mailroom doctor` shows the whole list. An embedded system serves one person on one machine and makes its own
secrets, so nothing of it is unsafe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from mailroom.errors import Fault
from mailroom.secrets import required
from mailroom.settings import Settings
from prefect_mailroom.errors import ConfigurationError

_AUTH, _CLOUD = "PREFECT_API_AUTH_STRING", "PREFECT_API_KEY"
_OF_SERVER = "PREFECT_SERVER_API_AUTH_STRING"
_PREFECT_DATABASE, _PREFECT_KEY = "PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_SERVER_ENCRYPTION_KEY"
_EXAMPLES = frozenset({"admin:pass", "admin:password", "admin:admin", "user:password"})
"""What stands in documentation, and is copied from there."""
_WEAK = frozenset({"", "postgres", "password", "secret", "changeme", "admin", "example"})
_DEBUGGING = ("MAILROOM_DEBUG", "PREFECT_DEBUG_MODE", "PREFECT_TEST_MODE")
_OPEN_LISTS = ("MAILROOM_OUTBOUND_ALLOW", "MAILROOM_PLAIN_FTP_ALLOW")
_OFF = frozenset({"", "0", "false", "no", "off"})
_READABLE = "so whoever reaches Prefect's API can read every secret."

_Check = Callable[[Settings, Mapping[str, str]], Iterator[Fault]]


def unsafe(settings: Settings, environment: Mapping[str, str], program: Program | None = None) -> list[Fault]:
    """Return everything that keeps a program of production from starting; nothing of an embedded system does.

    Args:
        environment: the variables of the process, for those that are not among our settings. No value is in a message.
        program: the one that is to start; None stands for the API, which everything concerns.
    """
    if settings.mode != "production":
        return []
    return [fault for check in (program or Program.API).value for fault in check(settings, environment)]


def of_prefect(environment: Mapping[str, str], *, listens: str | None) -> list[Fault]:
    """Return everything that keeps a program of Prefect's own from starting. It knows none of Mailroom's settings.

    Args:
        environment: the variables that it would have, with the secrets that files hold.
        listens: the address that it is to listen on, None where it listens on none.
    """
    url, key = environment.get(_PREFECT_DATABASE, ""), environment.get(_PREFECT_KEY, "")
    faults = [*_database(_PREFECT_DATABASE, url, needed=True), *required.faults({_PREFECT_KEY: key})]
    auth = environment.get(_OF_SERVER, "")
    if auth in _EXAMPLES:
        faults.append(Fault(_OF_SERVER, "is an example.", f"Choose a random password, here and in {_AUTH}"))
    elif not auth and listens is not None and not _is_of_this_machine(listens):
        remedy = f"Set it here, and {_AUTH} of Mailroom's programs to the same user:password"
        faults.append(Fault(_OF_SERVER, f"is not set, {_READABLE}", remedy))
    return [*faults, *_debug_modes(environment)]


def refuse(settings: Settings, environment: Mapping[str, str], program: Program | None = None) -> None:
    """Refuse to start a program with unsafe settings; see `unsafe`.

    Raises:
        ConfigurationError: naming each one, and what to do.
    """
    refuse_all(unsafe(settings, environment, program))


def refuse_all(faults: Sequence[Fault]) -> None:
    """Refuse to start where there are faults.

    Raises:
        ConfigurationError: naming each one, and what to do.
    """
    if faults:
        lines = [f"{one.field} {one.message} {one.remedy}." for one in faults]
        count = f"{len(faults)} settings are" if len(faults) > 1 else "One setting is"
        raise ConfigurationError(
            "\n  ".join([f"{count} unsafe in production:", *lines]),
            remedy="Correct all of them and start again.",
        )


def _secrets(settings: Settings, _environment: Mapping[str, str]) -> Iterator[Fault]:
    yield from required.faults(required.of_settings(settings))


def _own_database(settings: Settings, _environment: Mapping[str, str]) -> Iterator[Fault]:
    yield from _database("MAILROOM_DATABASE_URL", settings.database_url, needed=True)


def _database_of_prefect(settings: Settings, _environment: Mapping[str, str]) -> Iterator[Fault]:
    yield from _database("MAILROOM_PREFECT_DATABASE_URL", settings.prefect_database_url, needed=False)


def _database(variable: str, url: str, *, needed: bool) -> Iterator[Fault]:
    if not url:
        if needed:
            yield Fault(variable, "is not set.", "Set it to a database on Postgres")
        return
    try:
        found = make_url(url)
    except ArgumentError:
        yield Fault(variable, "cannot be read as a URL.", "Write it like postgresql://user:password@host/database")
        return
    kind = found.get_backend_name()
    if kind == "sqlite":
        yield Fault(variable, "is SQLite, which several processes must not share.", "Use a database on Postgres")
    elif kind not in ("postgresql", "postgres"):
        yield Fault(variable, "is not on Postgres.", "Use a database on Postgres")
    elif found.password is not None and str(found.password) in _WEAK | {found.username or ""}:
        yield Fault(variable, "has a password that anybody would guess.", "Give its user a random one")


def _prefect_address(settings: Settings, _environment: Mapping[str, str]) -> Iterator[Fault]:
    if not settings.prefect_api_url:
        yield Fault("MAILROOM_PREFECT_API_URL", "is not set.", "Set it to the API of your Prefect server")


def _prefect_login(settings: Settings, environment: Mapping[str, str]) -> Iterator[Fault]:
    if not settings.prefect_api_url or _is_loopback(settings.prefect_api_url):
        return
    auth = environment.get(_AUTH, "")
    if not auth and not environment.get(_CLOUD):
        remedy = f"Set it here, and {_OF_SERVER} of the server to the same user:password"
        yield Fault(_AUTH, f"is not set, {_READABLE}", remedy)
    elif auth in _EXAMPLES:
        yield Fault(_AUTH, "is an example.", "Choose a random password, here and on the server")


def _public_address(settings: Settings, _environment: Mapping[str, str]) -> Iterator[Fault]:
    name, address = "MAILROOM_PUBLIC_ADDRESS", settings.public_address
    if not address:
        yield Fault(name, "is not set.", "Set it to the https address of the pages, as people open them")
    elif urlsplit(address).scheme != "https" and not _is_loopback(address):
        yield Fault(
            name,
            "is plain http, so log-ins can be read on the way.",
            "Use https, for instance by a proxy before the API",
        )


def _frames(settings: Settings, _environment: Mapping[str, str]) -> Iterator[Fault]:
    for origin in settings.frame_ancestors.split():
        if urlsplit(origin).scheme != "https" and not _is_loopback(origin):
            yield Fault("MAILROOM_FRAME_ANCESTORS", "has an origin of plain http.", "Use https for each origin")
            return


def _proxies(settings: Settings, _environment: Mapping[str, str]) -> Iterator[Fault]:
    if _has_everybody(settings.trusted_proxies):
        yield Fault(
            "MAILROOM_TRUSTED_PROXIES",
            "trusts every address, so anybody can pretend to come from anywhere.",
            "Name the addresses of your proxies alone",
        )


def _outbound(_settings: Settings, environment: Mapping[str, str]) -> Iterator[Fault]:
    for name in _OPEN_LISTS:
        if _has_everybody(environment.get(name, "")):
            yield Fault(name, "allows every address.", "Name the hosts and networks that connections have to reach")


def _owner(settings: Settings, _environment: Mapping[str, str]) -> Iterator[Fault]:
    host = settings.owner_email.rpartition("@")[2].lower()
    if host == "localhost" or host in {"example.com", "example.org", "example.net"} or host.endswith(".example"):
        yield Fault(
            "MAILROOM_OWNER_EMAIL",
            "is the default or an example, and that user is an administrator.",
            "Set it to an address that is read",
        )


def _debugging(_settings: Settings, environment: Mapping[str, str]) -> Iterator[Fault]:
    yield from _debug_modes(environment)


def _debug_modes(environment: Mapping[str, str]) -> Iterator[Fault]:
    for name in _DEBUGGING:
        if environment.get(name, "").strip().lower() not in _OFF:
            yield Fault(name, "is on, which shows what is inside.", "Take it away")


def _has_everybody(text: str) -> bool:
    return any(_is_everybody(one) for one in text.replace(",", " ").split())


def _is_everybody(text: str) -> bool:
    try:
        return ip_network(text, strict=False).prefixlen == 0
    except ValueError:
        return text == "*"


def _is_loopback(url: str) -> bool:
    return _is_of_this_machine(urlsplit(url).hostname or "")


def _is_of_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Program(Enum):
    """The programs that production starts with Mailroom's settings, each with the checks that concern it."""

    API = (
        *(_secrets, _own_database, _database_of_prefect, _prefect_address, _prefect_login, _public_address, _frames),
        *(_proxies, _outbound, _owner, _debugging),
    )
    """Everything concerns the API, which holds all secrets and meets the world."""
    WORKER = (_own_database, _prefect_address, _prefect_login, _public_address, _outbound, _debugging)
    """A worker delivers, and writes links to the pages; it has no secret of the API, and nobody talks to it."""
    RENDERERS = (_own_database, _prefect_address, _public_address, _outbound, _debugging)
    """They ask sources, which must be none of our own addresses. They never ask Prefect, so they have no login."""
    INIT = (_own_database, _prefect_address, _prefect_login, _outbound, _owner, _debugging)
    """The set-up makes the tables and the first administrator, and checks connections."""
