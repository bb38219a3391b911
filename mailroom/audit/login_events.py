"""Define the events of the audit trail about log-in. None holds a secret, nor what was typed in vain."""

from __future__ import annotations

from dataclasses import dataclass

from mailroom.audit.events import Event

NOBODY = "nobody"
"""The entity of a failed log-in with an account that does not exist."""


class _OfUser(Event):
    __slots__ = ()
    entity_type = "user"


@dataclass(frozen=True, slots=True)
class LoggedIn(_OfUser):
    """A browser logged in; `method` is password, oidc or link, `address` where it came from."""

    action = "logged in"
    session: str
    method: str
    address: str


@dataclass(frozen=True, slots=True)
class LogInFailed(_OfUser):
    """A log-in was refused; `reason` is a code. The typed address stays away, since it may be a password."""

    action = "log-in failed"
    method: str
    reason: str
    address: str


@dataclass(frozen=True, slots=True)
class LoggedOut(_OfUser):
    """A user logged out of a session."""

    action = "logged out"
    session: str


@dataclass(frozen=True, slots=True)
class SessionsEnded(_OfUser):
    """Sessions of the user were ended; `reason` is a code: asked, disabled or password."""

    action = "sessions ended"
    sessions: list[str]
    reason: str


@dataclass(frozen=True, slots=True)
class PasswordChanged(_OfUser):
    """The user has a new password; `by` is what allowed it: the password before, a session, or a link."""

    action = "password changed"
    by: str


@dataclass(frozen=True, slots=True)
class LinkMade(_OfUser):
    """A one-time link was made for the user."""

    action = "link made"
    purpose: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class IdentityLinked(_OfUser):
    """A subject of the identity provider is this user from now on."""

    action = "identity linked"
    issuer: str
    subject: str
