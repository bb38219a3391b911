"""Say who a report is made for, signed, so that an HTTP source shows no more than that user may see. Pure but for `of`.

The signature is Ed25519 in a JSON Web Token: the source needs the public key alone, so it can check an identity and
cannot make one. A token names the source's host as its audience and is valid for minutes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.roles import Role
from mailroom.storage.model.access import Team
from mailroom.storage.tables import User
from prefect_mailroom.errors import ConfigurationError

HEADER = "X-Mailroom-Identity"
VALID_FOR = timedelta(minutes=15)
"""The time that an identity is valid: it is made when a rendering is ordered, which may have to wait for its turn."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The user that a report is made for; `acted_by` is the id of the admin who acts for the user, where one does."""

    user_id: str
    external_id: str | None
    role: Role
    team: str | None = None
    team_external_id: str | None = None
    acted_by: str | None = None

    def claims(self) -> dict[str, object]:
        """Return what the source is told, without what is not known."""
        told: dict[str, object | None] = {
            "sub": self.user_id,
            "external_id": self.external_id,
            "role": str(self.role),
            "team": self.team,
            "team_external_id": self.team_external_id,
            "act": {"sub": self.acted_by} if self.acted_by else None,
        }
        return {name: value for name, value in told.items() if value is not None}


async def of(session: AsyncSession, user: User, *, acted_by: User | None = None) -> Identity:
    """Return the identity of a user."""
    team = await session.get(Team, user.team_id) if user.team_id else None
    return Identity(
        user_id=user.id,
        external_id=user.external_id,
        role=user.role,
        team=team.id if team else None,
        team_external_id=team.external_id if team else None,
        acted_by=acted_by.id if acted_by else None,
    )


def seen_as(user: User) -> str:
    """Return all of a user that a source may decide by: what two users see is never the same where this differs."""
    return f"{user.id} {user.external_id or ''} {user.role} {user.team_id or ''}"


def sign(identity: Identity, *, audience: str, issuer: str, key: SecretStr, now: datetime) -> str:
    """Return the identity as a token for one source.

    Args:
        audience: the host of the source.
        issuer: our public address.

    Raises:
        ConfigurationError: there is no key.
    """
    private = _private(key)
    claims = {**identity.claims(), "iss": issuer, "aud": audience, "iat": now, "exp": now + VALID_FOR}
    return jwt.encode(claims, private, algorithm="EdDSA", headers={"kid": _id_of(private)})


def public_key(key: SecretStr) -> str:
    """Return the key that a source checks identities with, as PEM.

    Raises:
        ConfigurationError: there is no key.
    """
    return _private(key).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _private(key: SecretStr) -> Ed25519PrivateKey:
    if not (seed := key.get_secret_value()):
        raise ConfigurationError(
            "Identities cannot be signed, since there is no key for it.",
            remedy="Set MAILROOM_IDENTITY_KEY to 64 random hexadecimal digits, for the API and the workers alike.",
            field="identity_key",
        )
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))


def _id_of(key: Ed25519PrivateKey) -> str:
    return hashlib.sha256(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]
