"""The requests that a token is asked for with, and what is read of the answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from prefect_mailroom.channels.email.oauth.settings import GOOGLE_SCOPE, MICROSOFT_SCOPE, OAuth
from prefect_mailroom.errors import ConfigurationError, MailroomError, RetryLater

_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_SECONDS = 3600
_CODE = re.compile(r"[a-z_]{1,40}")
_AADSTS = re.compile(r"AADSTS\d{1,9}")
# What to do about the errors that administrators meet, by OAuth's own code for them.
_REMEDIES = {
    "invalid_client": "Check client_id and client_secret; a secret that has expired must be made anew.",
    "invalid_grant": "The grant was withdrawn or has expired: give the app its access again.",
    "unauthorized_client": "Let an administrator give the app its permission and consent to it.",
    "invalid_scope": "Check the scope.",
    "invalid_request": "Check the tenant and the client id.",
}


def form_of(login: OAuth, *, now: float, refresh_token: SecretStr | None = None) -> dict[str, str]:
    """Return the fields of the request for a token. They hold secrets.

    Args:
        now: seconds since 1970.
        refresh_token: a newer refresh token than the connection's, where the provider has given one.

    Raises:
        ConfigurationError: the private key cannot be used.
    """
    match login.provider:
        case "microsoft":
            return {
                "grant_type": "client_credentials",
                "client_id": login.client_id,
                "client_secret": _plain(login.client_secret),
                "scope": login.scope or MICROSOFT_SCOPE,
            }
        case "google":
            return {"grant_type": _JWT_BEARER, "assertion": _assertion(login, int(now))}
    form = {
        "grant_type": "refresh_token",
        "client_id": login.client_id,
        "refresh_token": _plain(refresh_token or login.refresh_token),
    }
    if login.client_secret is not None:
        form["client_secret"] = _plain(login.client_secret)
    if login.scope:
        form["scope"] = login.scope
    return form


def _plain(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _assertion(login: OAuth, now: int) -> str:
    """Return a statement, signed by the service account, that it acts for the mailbox."""
    import jwt

    key = login.google_key()
    claims = {
        "iss": key["client_email"],
        "sub": login.subject,
        "scope": login.scope or GOOGLE_SCOPE,
        "aud": key["token_uri"],
        "iat": now,
        "exp": now + _ASSERTION_SECONDS,
    }
    try:
        headers = {"kid": key["private_key_id"]} if key["private_key_id"] else None
        return jwt.encode(claims, key["private_key"], "RS256", headers=headers)
    except (ValueError, TypeError, jwt.PyJWTError):
        # The library's error may quote the key.
        raise ConfigurationError(
            "The private key of the service account cannot be read.",
            remedy="Download a new JSON key for the service account, and give it whole.",
            field="oauth.service_account_key",
        ) from None


def refusal(status: int, answer: Mapping[str, Any], host: str, *, not_before: float | None) -> MailroomError:
    """Return the error that an answer without a token stands for. Of the answer, it holds codes alone."""
    code = str(answer.get("error", ""))
    code = code if _CODE.fullmatch(code) else ""
    number = _AADSTS.search(str(answer.get("error_description", "")))
    told = ", ".join(part for part in (f"HTTP {status}", code, number.group() if number else "") if part)
    said = f"'{host}' gave no token ({told})."
    if status in (408, 429) or status >= 500 or code in ("temporarily_unavailable", "server_error", "slow_down"):
        return RetryLater(said, not_before=not_before)
    return ConfigurationError(
        said, remedy=_REMEDIES.get(code, "Check the settings of the login by tokens."), field="oauth"
    )
