"""The settings of log-in: the identity provider, web sessions, local accounts. `settings.Settings` has them all."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from mailroom.roles import Role

ASYMMETRIC = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""The algorithms whose key for checking is public. With the others, whoever can check a token can also make one."""
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class LoginSettings(BaseSettings):
    """Everything about log-in that can be set; each field is the variable `MAILROOM_<FIELD>` in capitals."""

    oidc_issuer: str = Field(
        default="", description="The address of the identity provider, exactly as its tokens name it in `iss`."
    )
    oidc_client_id: str = Field(default="", description="The id under which the provider knows Mailroom.")
    oidc_client_secret: SecretStr = Field(
        default=SecretStr(""), description="The secret of the client. Empty for a public client, which has PKCE alone."
    )
    oidc_audience: str = Field(
        default="", description="The audience that bearer tokens must name. If empty, bearer tokens are refused."
    )
    oidc_algorithms: list[str] = Field(
        default=["RS256", "PS256", "ES256", "EdDSA"],
        min_length=1,
        description="The algorithms with which tokens may be signed, as a JSON list. Only asymmetric ones.",
    )
    oidc_scopes: str = Field(default="openid profile email", description="The scopes that log-in asks for.")
    oidc_leeway_seconds: int = Field(
        default=30, ge=0, le=120, description="By how much the clocks of the provider and of Mailroom may differ."
    )
    oidc_role_claim: str = Field(default="roles", description="The claim with the roles; dots lead into objects.")
    oidc_roles: dict[str, Role] = Field(
        default_factory=dict,
        description='Which value of the claim gives which role, as JSON: {"reporting-admins": "admin"}.',
    )
    oidc_default_role: Literal["", "viewer", "creator"] = Field(
        default="", description="The role of whoever has none of these values. If empty, they are refused."
    )
    oidc_team_claim: str = Field(
        default="", description="The claim with the external id of the team. If empty, tokens say nothing of teams."
    )
    oidc_email_claim: str = Field(default="email", description="The claim with the e-mail address.")
    oidc_name_claim: str = Field(default="name", description="The claim with the name of the person.")
    oidc_provision: bool = Field(
        default=True, description="Whether a first log-in makes a user, and a team that is not there yet."
    )
    oidc_link: Literal["no", "external_id", "email"] = Field(
        default="no",
        description=(
            "Which user that exists already a first log-in belongs to: none, the one whose external id is the `sub`, "
            "or the one with the same e-mail address, if the provider says that it is verified."
        ),
    )
    local_accounts: bool | None = Field(
        default=None, description="Whether users can log in with a password. If unset, only in the embedded mode."
    )
    session_idle_minutes: int = Field(
        default=60, ge=1, le=1440, description="After how long without a request a web session ends."
    )
    session_hours: int = Field(default=12, ge=1, le=168, description="After how long a web session ends in any case.")
    link_minutes: int = Field(default=15, ge=1, le=1440, description="For how long a one-time link is valid.")
    frame_ancestors: str = Field(
        default="", description="The origins whose pages may show ours in a frame, separated by blanks."
    )

    @field_validator("oidc_issuer")
    @classmethod
    def _safe_issuer(cls, value: str) -> str:
        if value:
            parts = urlsplit(value)
            plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
            if not (plain or parts.scheme == "https") or not parts.hostname or parts.query or parts.fragment:
                raise ValueError("needs an https address without query; http only on this machine")
        return value

    @field_validator("oidc_algorithms")
    @classmethod
    def _only_asymmetric(cls, value: list[str]) -> list[str]:
        if wrong := sorted(set(value) - ASYMMETRIC):
            raise ValueError(f"has {', '.join(wrong)}; allowed are {', '.join(sorted(ASYMMETRIC))}")
        return value

    @field_validator("frame_ancestors")
    @classmethod
    def _origins(cls, value: str) -> str:
        for origin in value.split():
            if not re.fullmatch(r"https?://[a-zA-Z0-9.-]+(:\d{1,5})?", origin):
                raise ValueError(f"has '{origin[:80]}', which is no origin such as https://app.example.com")
        return " ".join(value.split())

    @model_validator(mode="after")
    def _issuer_has_an_audience(self) -> LoginSettings:
        if self.oidc_issuer and not (self.oidc_client_id or self.oidc_audience):
            raise ValueError("MAILROOM_OIDC_ISSUER needs MAILROOM_OIDC_CLIENT_ID for pages or MAILROOM_OIDC_AUDIENCE")
        return self
