"""An export endpoint of another product that reports are made from, or passed on from."""

from __future__ import annotations

from typing import Any, ClassVar

import httpx
from pydantic import Field, field_validator

from prefect_mailroom import outbound
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.http_login import HttpLogin
from prefect_mailroom.own_class import OwnClass


class HttpSource(HttpLogin, OwnClass):
    """An endpoint that exports are fetched from, and the login there.

    Private addresses are refused unless the operator opened them (`MAILROOM_OUTBOUND_ALLOW`); no redirect is followed.
    """

    _block_type_name = "Mailroom HTTP source"
    _block_type_slug = "mailroom-http-source"
    _description = "An export endpoint (CSV, JSON, XLSX, PDF) of another product that reports are made from."

    kind: ClassVar[str] = "http"
    harmless_fields: ClassVar[frozenset[str]] = frozenset({"timeout_seconds", "max_bytes", "auth_secret"})

    base_url: str = Field(
        max_length=2000,
        description="The address that the report's path is appended to, such as https://bi.example.com.",
    )
    timeout_seconds: float = Field(default=60, gt=0, le=3600, description="How many seconds the whole answer may take.")
    max_bytes: int = Field(
        default=500_000_000, gt=0, le=10_000_000_000, description=("The size of the largest accepted answer.")
    )

    identity: bool = Field(
        title="Say for whom each report is made",
        default=False,
        description=(
            "Whether each request says, signed, for which user the report is made, in the header X-Mailroom-Identity. "
            "Only reports with `as_owner: true` can be made from it then. `mailroom keys identity` prints the public "
            "key to check it with."
        ),
    )

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
            raise ValueError("it must not contain a user name, '?' or '#'; use auth, and the query in the report.")
        return value.rstrip("/")

    def access(self) -> dict[str, Any]:
        """Return what a renderer process needs to fetch, JSON-ready. It holds the secret: use a pipe only."""
        return {
            "kind": self.kind,
            "base_url": self.base_url,
            "headers": self.login_headers(),
            "timeout_seconds": self.timeout_seconds,
            "max_bytes": self.max_bytes,
        }

    async def screen(self) -> None:
        """Refuse a host that may never be reached."""
        with outbound.screening():
            await outbound.resolve(*self._target, timeout=outbound.SCREEN_SECONDS)

    async def check(self, steps: Steps | None = None) -> str:
        """Prove that the host exists, may be reached and answers; fetch nothing. Return one line about it.

        Args:
            steps: is told each step as it is tried.

        Raises:
            ConfigurationError, RetryLater: it does not.
        """
        steps, seconds = steps or Steps(), min(self.timeout_seconds, 10)
        host, port = self._target
        with steps.step(StepName.RESOLVE) as told:
            await outbound.resolve(host, port, timeout=seconds)
            told.message = f"{host} is known, and may be reached."
        with steps.step(StepName.CONNECT) as told:
            (await outbound.connect(host, port, timeout=seconds)).close()
            told.message = f"{host} answers on port {port}."
        return told.message

    @property
    def _target(self) -> tuple[str, int]:
        url = httpx.URL(self.base_url)
        return url.host, url.port or (443 if url.scheme == "https" else 80)
