"""Checks ports before anything starts; a refusal names who holds a port and which variable moves ours."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Container
from itertools import islice
from pathlib import Path

import psutil

from mailroom.settings import Settings
from prefect_mailroom.errors import ConfigurationError

_LOWEST = 10240
_GIVEN = Path("/proc/sys/net/ipv4/ip_local_port_range")
PORT_FIELDS = ("api_port", "prefect_port", "mail_web_port", "mail_smtp_port")


def wanted_ports(settings: Settings) -> dict[str, int]:
    """Return the ports that `up` listens on, by the name of their setting."""
    names = [name for name in PORT_FIELDS if not (name == "prefect_port" and settings.prefect_api_url)]
    return {name: getattr(settings, name) for name in names}


def is_free(host: str, port: int) -> bool:
    """Tell whether a server could listen there now."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError:
            return False
    return True


def free_port(host: str) -> int:
    """Return a port that is free now; see `free_ports`."""
    return free_ports(host, 1)[0]


def free_ports(host: str, count: int, *, avoid: Container[int] = ()) -> list[int]:
    """Return so many different ports that are free now, none of those to avoid.

    They lie below those that the system gives to whoever connects or names no port. One of these could be taken by any
    connection of any program before our server, which needs seconds to start, listens on it.

    Raises:
        ConfigurationError: there are not so many, since the host is no address of this machine, for example.
    """
    free = (port for port in _candidates() if port not in avoid and is_free(host, port))
    found = list(islice(free, count))
    if len(found) < count:
        remedy = "Set MAILROOM_HOST to an address of this machine."
        raise ConfigurationError(f"No port of {host} is free.", remedy=remedy, field="MAILROOM_HOST")
    return found


def _candidates() -> list[int]:
    """Return the ports below those that the system gives unasked, in an order that another process hardly has."""
    try:
        first_given = int(_GIVEN.read_text().split()[0])
    except OSError:
        first_given = 49152  # By the standard, as on macOS; Linux tells.
    # An operator may let the system give nearly all of them; then some of those must do.
    ports = list(range(_LOWEST, max(first_given, _LOWEST + 1000)))
    secrets.SystemRandom().shuffle(ports)
    return ports


def holder(port: int) -> str:
    """Return the process that listens on the port as `name (process 123)`, or "" where the system does not tell."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            # `laddr` is (host, port), or empty.
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        return ""  # macOS tells root alone; the process may also have ended between the two calls.
    return ""


def faults(settings: Settings) -> list[str]:
    """Return a sentence for each port that cannot be had."""
    found: list[str] = []
    seen: dict[int, str] = {}
    for name, port in wanted_ports(settings).items():
        variable = f"MAILROOM_{name.upper()}"
        if port in seen:
            found.append(f"Port {port} is set in both {seen[port]} and {variable}.")
        elif not is_free(settings.host, port):
            by = holder(port)
            found.append(f"Port {port} ({variable}) is in use{f' by {by}' if by else ''}.")
        seen[port] = variable
    return found


def check_ports(settings: Settings) -> None:
    """Refuse to start on ports that cannot be had.

    Raises:
        ConfigurationError: naming each port, who holds it, and the variable to set.
    """
    if found := faults(settings):
        raise ConfigurationError(" ".join(found), remedy="Stop that process, or set the variable to a free port.")


def with_free_ports(settings: Settings) -> tuple[Settings, list[str]]:
    """Return the settings with a free port in place of each that is taken, and a sentence for each change."""
    changes: dict[str, int] = {}
    said = []
    wanted = wanted_ports(settings)
    for name, port in wanted.items():
        if not is_free(settings.host, port):
            [changes[name]] = free_ports(settings.host, 1, avoid={*wanted.values(), *changes.values()})
            said.append(f"Port {port} is in use; MAILROOM_{name.upper()} is {changes[name]} this time.")
    return settings.model_copy(update=changes), said
