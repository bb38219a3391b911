"""The login of a connection over HTTP: the fields of its block, and the headers that come of them."""

from __future__ import annotations

import base64
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class HttpLogin(BaseModel):
    """Fields that a block of an HTTP endpoint inherits. `api_key` and `header` are two names of one kind."""

    # A rejected value may be a secret: pydantic would print it.
    model_config = ConfigDict(hide_input_in_errors=True)

    auth: Literal["none", "bearer", "basic", "api_key", "header"] = Field(
        default="none", description="The way to log in. api_key and header both send the secret in auth_header."
    )
    auth_user: str = Field(default="", description="The user name, for auth basic.")
    auth_header: str = Field(
        default="X-API-Key",
        pattern=r"^[A-Za-z0-9-]{1,64}$",
        description="The header that carries the key, for auth api_key or header.",
    )
    auth_secret: SecretStr | None = Field(default=None, description="The token, password or key.")

    @model_validator(mode="after")
    def _auth_is_complete(self) -> Self:
        if self.auth != "none" and self.auth_secret is None:
            raise ValueError(f"auth_secret: it is needed, because auth is {self.auth}.")
        if self.auth_secret is not None and not self.auth_secret.get_secret_value().isprintable():
            raise ValueError("auth_secret: it contains a line break or control character; copy the secret again.")
        return self

    def login_headers(self) -> dict[str, str]:
        """Return the headers that log a request in. They hold the secret."""
        secret = self.auth_secret.get_secret_value() if self.auth_secret else ""
        match self.auth:
            case "bearer":
                return {"Authorization": f"Bearer {secret}"}
            case "basic":
                return {"Authorization": "Basic " + base64.b64encode(f"{self.auth_user}:{secret}".encode()).decode()}
            case "api_key" | "header":
                return {self.auth_header: secret}
        return {}
