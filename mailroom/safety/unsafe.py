"""Say which settings production must not start with: each by its name, what is wrong with it, and what to do. Pure.

This is the only list. The API refuses to start with what is on it, all of it at once, and `mailroom doctor` shows the
same. An embedded system serves one person on one machine and makes its own secrets, so nothing of it is unsafe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from mailroom.errors import Fault
from mailroom.secrets import required
from mailroom.settings import Settings
from prefect_mailroom.errors import ConfigurationError

_AUTH, _CLOUD = "PREFECT_API_AUTH_STRING", "PREFECT_API_KEY"
_EXAMPLES = frozenset({"admin:pass", "admin:password", "admin:admin", "user:password"})
"""What stands in documentation, and is copied from there."""
_WEAK = frozenset({"", "postgres", "password", "secret", "changeme", "admin", "example"})
_DEBUGGING = ("MAILROOM_DEBUG", "PREFECT_DEBUG_MODE", "PREFECT_TEST_MODE")
_OPEN_LISTS = ("MAILROOM_OUTBOUND_ALLOW", "MAILROOM_PLAIN_FTP_ALLOW")
_OFF = frozenset({"", "0", "false", "no", "off"})


def unsafe(settings: Settings, environment: Mapping[str, str]) -> list[Fault]:
    """Return everything that keeps production from starting; nothing of an embedded system does.

    Args:
        environment: the variables of the process, for those that are not among our settings. No value is in a message.
    """
    if settings.mode != "production":
        return []
    return [
        *required.faults(required.of_settings(settings)),
        *_databases(settings),
        *_prefect(settings, environment),
        *_addresses(settings),
        *_wildcards(settings, environment),
        *_people(settings),
        *_debugging(environment),
    ]


def refuse(settings: Settings, environment: Mapping[str, str]) -> None:
    """Refuse to start with unsafe settings.

    Raises:
        ConfigurationError: naming each one, and what to do.
    """
    if found := unsafe(settings, environment):
        lines = [f"{one.field} {one.message} {one.remedy}." for one in found]
        count = f"{len(found)} settings are" if len(found) > 1 else "One setting is"
        raise ConfigurationError(
            "\n  ".join([f"{count} unsafe in production:", *lines]),
            remedy="Correct all of them and start again. `mailroom doctor` shows the same list.",
        )


def _databases(settings: Settings) -> Iterator[Fault]:
    name = "MAILROOM_DATABASE_URL"
    if not settings.database_url:
        yield Fault(name, "is not set.", "Set it to a database on Postgres")
    for variable, url in (
        (name, settings.database_url),
        ("MAILROOM_PREFECT_DATABASE_URL", settings.prefect_database_url),
    ):
        if not url:
            continue
        try:
            found = make_url(url)
        except ArgumentError:
            yield Fault(variable, "cannot be read as a URL.", "Write it like postgresql://user:password@host/database")
            continue
        if found.get_backend_name() == "sqlite":
            yield Fault(variable, "is SQLite, which several processes must not share.", "Use a database on Postgres")
        elif found.password is not None and str(found.password) in _WEAK | {found.username or ""}:
            yield Fault(variable, "has a password that anybody would guess.", "Give its user a random one")


def _prefect(settings: Settings, environment: Mapping[str, str]) -> Iterator[Fault]:
    if not settings.prefect_api_url:
        yield Fault("MAILROOM_PREFECT_API_URL", "is not set.", "Set it to the API of your Prefect server")
        return
    if _is_loopback(settings.prefect_api_url):
        return
    auth = environment.get(_AUTH, "")
    if not auth and not environment.get(_CLOUD):
        remedy = "Set it here, and PREFECT_SERVER_API_AUTH_STRING of the server to the same user:password"
        yield Fault(_AUTH, "is not set, so whoever reaches Prefect's API can read every secret.", remedy)
    elif auth in _EXAMPLES:
        yield Fault(_AUTH, "is an example.", "Choose a random password, here and on the server")


def _addresses(settings: Settings) -> Iterator[Fault]:
    name, address = "MAILROOM_PUBLIC_ADDRESS", settings.public_address
    if not address:
        yield Fault(name, "is not set.", "Set it to the https address of the pages, as people open them")
    elif urlsplit(address).scheme != "https" and not _is_loopback(address):
        yield Fault(
            name,
            "is plain http, so log-ins can be read on the way.",
            "Use https, for instance by a proxy before the API",
        )
    for origin in settings.frame_ancestors.split():
        if urlsplit(origin).scheme != "https" and not _is_loopback(origin):
            yield Fault("MAILROOM_FRAME_ANCESTORS", "has an origin of plain http.", "Use https for each origin")
            return


def _wildcards(settings: Settings, environment: Mapping[str, str]) -> Iterator[Fault]:
    if _has_everybody(settings.trusted_proxies):
        yield Fault(
            "MAILROOM_TRUSTED_PROXIES",
            "trusts every address, so anybody can pretend to come from anywhere.",
            "Name the addresses of your proxies alone",
        )
    for name in _OPEN_LISTS:
        if _has_everybody(environment.get(name, "")):
            yield Fault(name, "allows every address.", "Name the hosts and networks that connections have to reach")


def _people(settings: Settings) -> Iterator[Fault]:
    host = settings.owner_email.rpartition("@")[2].lower()
    if host == "localhost" or host in {"example.com", "example.org", "example.net"} or host.endswith(".example"):
        yield Fault(
            "MAILROOM_OWNER_EMAIL",
            "is the default or an example, and that user is an administrator.",
            "Set it to an address that is read",
        )


def _debugging(environment: Mapping[str, str]) -> Iterator[Fault]:
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
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
