"""Post facts and files to an HTTP endpoint, signed after Standard Webhooks.

`webhook-id` is the parcel's key, the same for every attempt, so a receiver that keeps the ids it has seen never
takes a parcel twice. Its answer is read for the status alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import Any, ClassVar, cast

import httpx
from pydantic import Field, SecretStr, field_validator

from prefect_mailroom import outbound
from prefect_mailroom.channels.base import Channel, Destination, Parcel, Receipt
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.channels.webhook.answers import length, raise_for, translated
from prefect_mailroom.channels.webhook.destination import WebhookDestination
from prefect_mailroom.channels.webhook.signing import secret_bytes, signature_header
from prefect_mailroom.errors import ConfigurationError, Refused
from prefect_mailroom.http_login import HttpLogin

MAX_FACTS_BYTES = 20_000
MAX_FILES_BYTES = 100_000_000


class WebhookChannel(HttpLogin, Channel):
    """Posts signed JSON, and files if wanted, to an HTTP endpoint."""

    _block_type_name = "Mailroom Webhook"
    _block_type_slug = "mailroom-webhook"
    _description = "Posts report facts and files to an HTTP endpoint, signed after Standard Webhooks."

    kind: ClassVar[str] = "webhook"
    destination_type: ClassVar[type[Destination]] = WebhookDestination
    harmless_fields: ClassVar[frozenset[str]] = frozenset({"signing_secret", "previous_signing_secret", "auth_secret"})

    url: SecretStr = Field(
        description=("The address to post to. It is kept secret, since many such addresses contain a token.")
    )
    signing_secret: SecretStr = Field(
        description=("The signing secret: whsec_ followed by the base64 of at least 24 random bytes.")
    )
    previous_signing_secret: SecretStr | None = Field(
        default=None, description="The old secret, which also signs until all receivers use the new one."
    )
    timeout_seconds: float = Field(default=20, gt=0, le=30, description="How many seconds one attempt may take.")

    @field_validator("url")
    @classmethod
    def _url_is_plain(cls, url: SecretStr) -> SecretStr:
        try:
            parsed = httpx.URL(url.get_secret_value())
        except (httpx.InvalidURL, ValueError):
            raise ValueError("url: it cannot be read; write one such as https://hooks.example.com/reports.") from None
        if parsed.scheme not in ("https", "http") or not parsed.host or "%" in parsed.host:
            raise ValueError("url: it must begin with https:// and name a host.")
        if parsed.userinfo:
            raise ValueError("url: it contains a user name; use auth: basic instead.")
        return url

    @field_validator("signing_secret", "previous_signing_secret")
    @classmethod
    def _secret_is_strong(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            secret_bytes(secret.get_secret_value())
        return secret

    async def transfer(self, parcel: Parcel) -> Receipt:
        """Post once. Nothing is sent to a host that may not be reached, and no redirect is followed."""
        destination = parcel.destination
        assert isinstance(destination, WebhookDestination)
        facts = _facts(parcel)
        await self._permit()
        async with outbound.http_client(timeout=self.timeout_seconds) as client:
            with contextlib.ExitStack() as files:
                request = self._request(client, parcel, destination, facts, files)
                await asyncio.to_thread(self._sign, request, parcel.key)
                with translated(self._host):
                    answer = await client.send(request, stream=True)
                    try:
                        raise_for(answer, self._host)
                        size = await length(answer)
                    finally:
                        await answer.aclose()
        detail = {"status": answer.status_code, "host": self._host, "bytes": int(request.headers["content-length"])}
        return Receipt(reference=parcel.key, detail={**detail, "answer_bytes": size})

    async def screen(self) -> None:
        """Refuse a host that may never be reached."""
        with outbound.screening():
            await outbound.resolve(*self._target, timeout=outbound.SCREEN_SECONDS)

    async def check(self, steps: Steps) -> str:
        """Ask the endpoint with HEAD, which delivers nothing; any answer but a failed login or a redirect is fine."""
        with steps.step(StepName.RESOLVE):
            await self._permit()
        async with outbound.http_client(timeout=self.timeout_seconds) as client:
            with steps.step(StepName.ANSWER), translated(self._host):
                request = client.build_request("HEAD", self.url.get_secret_value())
                self._log_in(request)
                answer = await client.send(request)
                if answer.status_code in (401, 403, 410) or answer.is_redirect:
                    raise_for(answer, self._host)
        return f"{self._host} answers (HTTP {answer.status_code} to HEAD); send a test delivery to check the signature."

    @property
    def _host(self) -> str:
        return httpx.URL(self.url.get_secret_value()).host

    @property
    def _target(self) -> tuple[str, int]:
        url = httpx.URL(self.url.get_secret_value())
        return url.host, url.port or (443 if url.scheme == "https" else 80)

    async def _permit(self) -> None:
        url = httpx.URL(self.url.get_secret_value())
        addresses = await outbound.resolve(*self._target, timeout=self.timeout_seconds / 2)
        if url.scheme == "http" and not all(outbound.is_opened(url.host, address) for address in addresses):
            raise ConfigurationError(
                f"The url of '{url.host}' is not encrypted.",
                remedy=(
                    "Use https://. Plain http:// is allowed only for hosts that the operator lists in "
                    f"{outbound.VARIABLE}."
                ),
                field="url",
            )

    def _request(
        self,
        client: httpx.AsyncClient,
        parcel: Parcel,
        destination: WebhookDestination,
        facts: bytes,
        files: contextlib.ExitStack,
    ) -> httpx.Request:
        url = self.url.get_secret_value()
        headers = {"user-agent": "Mailroom", "accept-encoding": "identity"}
        if destination.payload == "facts":
            return client.build_request(
                "POST", url, content=facts, headers={**headers, "content-type": "application/json"}
            )
        if (size := sum(file.size for file in parcel.files)) > MAX_FILES_BYTES:
            raise Refused(
                f"The files are {size:,} bytes, but a webhook takes at most {MAX_FILES_BYTES:,}.",
                remedy="Choose fewer formats, or payload: facts.",
            )
        parts: list[tuple[str, Any]] = [("facts", ("facts.json", facts, "application/json"))]
        parts += [
            ("file", (file.filename, files.enter_context(file.path.open("rb")), file.media_type))
            for file in parcel.files
        ]
        return client.build_request("POST", url, files=parts, headers=headers)

    def _log_in(self, request: httpx.Request) -> None:
        for name, value in self.login_headers().items():
            request.headers[name] = value  # One by one: httpx takes letters beyond ASCII here alone.

    def _sign(self, request: httpx.Request, key: str) -> None:
        """Read the whole body once for its signature; sending reads it again, so no body is ever held whole."""
        secrets = [self.signing_secret, *([self.previous_signing_secret] if self.previous_signing_secret else [])]
        timestamp = int(time.time())
        body = cast(httpx.SyncByteStream, request.stream)
        self._log_in(request)
        plain = [secret.get_secret_value() for secret in secrets]
        request.headers["webhook-id"] = key
        request.headers["webhook-timestamp"] = str(timestamp)
        request.headers["webhook-signature"] = signature_header(plain, key, timestamp, body)


def _facts(parcel: Parcel) -> bytes:
    files = [
        {"filename": file.filename, "media_type": file.media_type, "bytes": file.size, "sha256": file.sha256}
        for file in parcel.files
    ]
    payload = {"type": "report.ready", "test": parcel.is_test, "data": {**parcel.facts, "files": files}}
    try:
        body = json.dumps(payload, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise Refused(
            "The facts about this report cannot be written as JSON.", remedy=("Remove NaN values from the report.")
        ) from error
    if len(body) > MAX_FACTS_BYTES:
        raise Refused(
            f"The facts about this report are {len(body):,} bytes, but a webhook takes at most {MAX_FACTS_BYTES:,}.",
            remedy="Show fewer key figures.",
        )
    return body
