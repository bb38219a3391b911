"""Tell how a browser reached us: by https, on this machine, or in a way on which others could listen."""

from __future__ import annotations

from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.types import Scope

from mailroom.settings import Settings


def is_secure(scope: Scope, settings: Settings) -> bool:
    """Tell whether the browser uses https: a proxy says so, or MAILROOM_PUBLIC_ADDRESS does."""
    return scope["scheme"] == "https" or settings.public_url.startswith("https://")


def may_log_in(scope: Scope, settings: Settings) -> bool:
    """Tell whether a browser may send a password or a cookie this way: by https, or without leaving this machine."""
    return is_secure(scope, settings) or (_is_loopback(host_of(scope)) and _is_loopback(address_of(scope)))


def host_of(scope: Scope) -> str:
    """Return the name by which the browser called us, without its port."""
    host = Headers(scope=scope).get("host", "")
    return host.rpartition("]")[0].strip("[]") if host.startswith("[") else host.partition(":")[0]


def address_of(scope: Scope) -> str:
    """Return the address of the peer."""
    return str(scope["client"][0]) if scope.get("client") else ""


def own_origins(scope: Scope, settings: Settings) -> set[str]:
    """Return the origins that our own pages have here."""
    host = Headers(scope=scope).get("host", "").lower()
    return {f"{'https' if is_secure(scope, settings) else 'http'}://{host}", settings.public_url.lower()}


def _is_loopback(name: str) -> bool:
    if name.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
