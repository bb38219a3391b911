"""Say from where a request came, for the audit trail."""

from __future__ import annotations

from fastapi import Request

from api.http.auth import LOGIN
from api.http.rates.middleware import ADDRESS
from mailroom.access.login import Login
from mailroom.context import Origin

CONTEXT = "mailroom.context"
"""The key in the ASGI scope of a request under which its `Context` is, once it is known."""
_LONGEST_ADDRESS = 64


def origin_of(request: Request) -> Origin:
    """Return the address of the client, and what it has logged in with."""
    return Origin(address_of(request), login_name(request.scope.get(LOGIN)))


def address_of(request: Request) -> str | None:
    """Return the address of the client: the peer, or what a listed proxy says of it."""
    address: str | None = request.scope.get(ADDRESS)
    return address[:_LONGEST_ADDRESS] if address else None


def login_name(login: Login | None) -> str | None:
    """Return the name of what was logged in with; it tells nothing that anybody could log in with."""
    if login is None:
        return None
    if login.key:
        return f"key {login.key.prefix}"
    if login.session:
        return f"session {login.session.id}"
    return "token of the identity provider" if login.user else "key of the installation"
