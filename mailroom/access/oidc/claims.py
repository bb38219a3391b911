"""Read from the claims of a token who somebody is, and which role and team the provider gives. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mailroom.access.oidc.errors import Fault, TokenRefused
from mailroom.roles import Role
from mailroom.setting_groups.login import LoginSettings

LONGEST_SUBJECT = 255
_EMAIL = re.compile(r"[^@\s<>,;:\"\x00-\x1f]+@[^@\s<>,;:\"\x00-\x1f]+")
_TEAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+-]{0,199}")
_WIDTH = [Role.VIEWER, Role.CREATOR, Role.ADMIN]


@dataclass(frozen=True, slots=True)
class Told:
    """The provider's word about somebody.

    Attributes:
        role: None where no value of the claim is one of `oidc_roles`, and there is no default.
        team: the external id of the team, None for no team. It counts only where the settings name a claim.
        at: when the token was issued, so that an older one does not undo what a newer one said.
    """

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str
    role: Role | None
    team: str | None
    at: datetime


def told_by(claims: Mapping[str, Any], settings: LoginSettings) -> Told:
    """Return what verified claims say.

    Raises:
        TokenRefused: the subject is empty or too long, or `iat` is no time.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject.strip() or len(subject) > LONGEST_SUBJECT or "\0" in subject:
        raise TokenRefused(Fault.SUBJECT)
    email, name = _value(claims, settings.oidc_email_claim), _value(claims, settings.oidc_name_claim)
    address = email if isinstance(email, str) and len(email) <= 320 and _EMAIL.fullmatch(email) else None
    return Told(
        issuer=str(claims["iss"]),
        subject=subject,
        email=address,
        email_verified=claims.get("email_verified") is True,
        name=_plain(name if isinstance(name, str) else "") or address or subject,
        role=_role(_words(_value(claims, settings.oidc_role_claim)), settings),
        team=_team(_value(claims, settings.oidc_team_claim)) if settings.oidc_team_claim else None,
        at=_instant(claims.get("iat")),
    )


def _value(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim by its name, such as `roles`, `https://example.com/roles` or `realm_access.roles`."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _words(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value, *value.split()]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _role(words: list[str], settings: LoginSettings) -> Role | None:
    given = [settings.oidc_roles[word] for word in words if word in settings.oidc_roles]
    if given:
        return max(given, key=_WIDTH.index)
    return Role(settings.oidc_default_role) if settings.oidc_default_role else None


def _team(value: Any) -> str | None:
    words = [value] if isinstance(value, str) else _words(value)
    return next((word for word in words if _TEAM.fullmatch(word)), None)


def _plain(text: str) -> str:
    return "".join(character for character in text if character.isprintable()).strip()[:200]


def _instant(value: Any) -> datetime:
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise TokenRefused(Fault.CLAIMS) from error
