"""An export endpoint of another product that reports are made from, or passed on from."""

from __future__ import annotations

import base64
from typing import Any, ClassVar, Literal

import httpx
from prefect.blocks.core import Block
from pydantic import Field, SecretStr, field_validator, model_validator

from prefect_mailroom import outbound


class HttpSource(Block):
    """Where exports are fetched from, and how to log in there.

    Private addresses are refused unless the operator opened them (`MAILROOM_OUTBOUND_ALLOW`); no redirect is followed.
    """

    _block_type_name = "Mailroom HTTP source"
    _block_type_slug = "mailroom-http-source"
    _description = "An export endpoint (CSV, JSON, XLSX, PDF) of another product that reports are made from."

    kind: ClassVar[str] = "http"

    base_url: str = Field(max_length=2000, description="What the report's path is appended to: https://bi.example.com")
    auth: Literal["none", "bearer", "basic", "header"] = Field(default="none", description="How to log in.")
    auth_user: str = Field(default="", description="The user name, for basic.")
    auth_header: str = Field(
        default="X-API-Key", pattern=r"^[A-Za-z0-9-]{1,64}$", description="The header that takes the key, for header."
    )
    auth_secret: SecretStr | None = Field(default=None, description="The token, password or key.")
    timeout_seconds: float = Field(default=60, gt=0, le=3600, description="For the whole answer, in seconds.")
    max_bytes: int = Field(default=500_000_000, gt=0, le=10_000_000_000, description="The largest answer taken.")

    @field_validator("base_url")
    @classmethod
    def _base_url_is_plain(cls, value: str) -> str:
        try:
            parsed = httpx.URL(value)
        except (httpx.InvalidURL, ValueError):
            raise ValueError("it cannot be read; write one such as https://bi.example.com.") from None
        if parsed.scheme not in ("https", "http") or not parsed.host:
            raise ValueError("it must begin with https:// and name a host.")
        if parsed.userinfo or parsed.query or parsed.fragment:
            raise ValueError("it may hold no user name, no '?' and no '#'; use auth, and the report's query.")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _auth_is_complete(self) -> HttpSource:
        if self.auth != "none" and self.auth_secret is None:
            raise ValueError(f"auth_secret: auth is {self.auth}, and there is nothing to log in with; give it.")
        if self.auth_secret is not None and not self.auth_secret.get_secret_value().isprintable():
            raise ValueError("auth_secret: it holds a line break or control character; copy it again.")
        return self

    def access(self) -> dict[str, Any]:
        """What a renderer process needs to fetch; JSON-ready. It holds the secret: send it through a pipe only."""
        return {
            "kind": self.kind,
            "base_url": self.base_url,
            "headers": self._headers(),
            "timeout_seconds": self.timeout_seconds,
            "max_bytes": self.max_bytes,
        }

    def _headers(self) -> dict[str, str]:
        secret = self.auth_secret.get_secret_value() if self.auth_secret else ""
        match self.auth:
            case "bearer":
                return {"Authorization": f"Bearer {secret}"}
            case "basic":
                return {"Authorization": "Basic " + base64.b64encode(f"{self.auth_user}:{secret}".encode()).decode()}
            case "header":
                return {self.auth_header: secret}
        return {}

    async def check(self) -> str:
        """Prove that the host exists, may be reached and answers; fetches nothing. Returns one line about it.

        Raises:
            ConfigurationError, RetryLater: it does not.
        """
        parsed = httpx.URL(self.base_url)
        port = parsed.port or (443 if parsed.scheme == "https" else 80)
        (await outbound.connect(parsed.host, port, timeout=min(self.timeout_seconds, 10))).close()
        return f"{parsed.host} answers on port {port}."
