"""The settings of a log-in by OAuth 2.0, which a mail server takes as SASL XOAUTH2. They load without any client."""

from __future__ import annotations

import json
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

MICROSOFT_SCOPE = "https://outlook.office365.com/.default"
GOOGLE_SCOPE = "https://mail.google.com/"

_NEEDED = {
    "microsoft": ("tenant", "client_id", "client_secret"),
    "google": ("service_account_key", "subject"),
    "refresh_token": ("token_url", "client_id", "refresh_token"),
}


class OAuth(BaseModel):
    """A log-in by tokens, which Exchange Online and Gmail take in place of a password.

    `microsoft` takes the client credentials of an app registration, `google` a service account that may act for a
    mailbox of its domain, `refresh_token` the grant that a person gave once to an app of any provider.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    provider: Literal["microsoft", "google", "refresh_token"] = Field(description="The way to get tokens.")
    tenant: str = Field(
        default="",
        max_length=200,
        pattern=r"^[A-Za-z0-9.-]*$",
        description="Microsoft: the directory (tenant) id of the app registration, or its domain.",
    )
    client_id: str = Field(default="", max_length=300, description="The application (client) id.")
    client_secret: SecretStr | None = Field(default=None, description="The value of the client secret, not its id.")
    authority: str = Field(
        default="https://login.microsoftonline.com",
        max_length=300,
        description="Microsoft: the address that gives tokens; others exist for national clouds.",
    )
    service_account_key: SecretStr | None = Field(
        default=None, description="Google: the JSON key file of the service account, as it was downloaded."
    )
    subject: str = Field(default="", max_length=320, description="Google: the mailbox that the account acts for.")
    token_url: str = Field(default="", max_length=2000, description="refresh_token: the address that gives tokens.")
    refresh_token: SecretStr | None = Field(default=None, description="refresh_token: the token that renews others.")
    scope: str = Field(
        default="",
        max_length=1000,
        description=(
            f"The scope to ask for; by default {MICROSOFT_SCOPE} or {GOOGLE_SCOPE}, and for refresh_token what was "
            "granted."
        ),
    )

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        for name in _NEEDED[self.provider]:
            value = getattr(self, name)
            if not (value.get_secret_value() if isinstance(value, SecretStr) else value):
                raise ValueError(f"{name}: it is needed, because provider is {self.provider}.")
        if self.provider == "google":
            self.google_key()
        url = urlsplit(self.token_endpoint)
        if url.scheme not in ("https", "http") or not url.hostname or "@" in url.netloc or url.fragment:
            settings = {"microsoft": "authority", "google": "service_account_key", "refresh_token": "token_url"}
            raise ValueError(f"{settings[self.provider]}: the address for tokens must be https:// and name a host.")
        return self

    @property
    def token_endpoint(self) -> str:
        """Return the address that gives tokens."""
        match self.provider:
            case "microsoft":
                return f"{self.authority.rstrip('/')}/{self.tenant}/oauth2/v2.0/token"
            case "google":
                return self.google_key()["token_uri"]
        return self.token_url

    def google_key(self) -> dict[str, str]:
        """Return what a key file of Google says: client_email, private_key, private_key_id, token_uri.

        Raises:
            ValueError: it is no such file. The message does not hold it.
        """
        try:
            read: Any = json.loads(self.service_account_key.get_secret_value() if self.service_account_key else "")
            key = {name: str(read[name]) for name in ("client_email", "private_key")}
            return {
                **key,
                "private_key_id": str(read.get("private_key_id", "")),
                "token_uri": str(read.get("token_uri", "https://oauth2.googleapis.com/token")),
            }
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ValueError(
                "service_account_key: it is not the JSON key file of a service account, which has client_email and "
                "private_key."
            ) from None
