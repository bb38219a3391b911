"""Post facts and files to an HTTP endpoint, signed after Standard Webhooks.

`webhook-id` is the parcel's key, the same for every attempt, so a receiver that keeps the ids it has seen never
takes a parcel twice. Nothing of its answer is kept but the status and an id.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any, ClassVar, cast

import httpx
from pydantic import Field, SecretStr, field_validator

from prefect_mailroom import outbound
from prefect_mailroom.channels.base import Channel, Destination, Grade, Parcel, Receipt
from prefect_mailroom.channels.steps import Steps
from prefect_mailroom.channels.webhook import payload
from prefect_mailroom.channels.webhook.answers import Content, content_of, judge, raise_for, translated
from prefect_mailroom.channels.webhook.destination import WebhookDestination
from prefect_mailroom.channels.webhook.look import look, touch
from prefect_mailroom.channels.webhook.signing import secret_bytes, signature_header
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.http_login import HttpLogin
from prefect_mailroom.text.filenames import safe_filename
from prefect_mailroom.tls import trusting


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
    ca_certificates: str = Field(
        default="", max_length=200_000, description="PEM certificates to trust in addition to the usual authorities."
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

    @field_validator("ca_certificates")
    @classmethod
    def _certificates_are_some(cls, certificates: str) -> str:
        if certificates:
            trusting(certificates)
        return certificates

    async def transfer(self, parcel: Parcel) -> Receipt:
        """Post once. Nothing is sent to a host that may not be reached, and no redirect is followed."""
        destination = parcel.destination
        assert isinstance(destination, WebhookDestination)
        body = await asyncio.to_thread(_body, destination, parcel)
        await self._permit()
        async with self._client() as client:
            with contextlib.ExitStack() as files:
                request = self._request(client, parcel, destination, body, files)
                await asyncio.to_thread(self._sign, request, parcel.key)
                with translated(self._host):
                    answer = await client.send(request, stream=True)
                    try:
                        raise_for(answer, self._host, destination.expect)
                        content = await content_of(answer)
                    finally:
                        await answer.aclose()
        judge(content, self._host, destination.expect)
        return self._receipt(parcel, destination, int(request.headers["content-length"]), answer, content)

    async def needs_links(self, parcel: Parcel) -> bool:
        """Tell whether links are what is posted."""
        return isinstance(parcel.destination, WebhookDestination) and parcel.destination.payload == "link"

    async def screen(self) -> None:
        """Refuse a host that may never be reached."""
        with outbound.screening():
            await outbound.resolve(*self._target, timeout=outbound.SCREEN_SECONDS)

    async def check(self, steps: Steps) -> str:
        """Ask the endpoint with HEAD, which delivers nothing; any answer but a failed login or a redirect is fine."""
        async with self._client() as client:
            request = client.build_request("HEAD", self.url.get_secret_value())
            self._log_in(request)
            context = trusting(self.ca_certificates) if request.url.scheme == "https" else None
            return await look(client, request, steps, self._permit, context, self.timeout_seconds)

    async def reach(self, steps: Steps, *, seconds: float) -> bool:
        """Connect and shake hands; nothing is asked, so no secret leaves."""
        context = trusting(self.ca_certificates) if httpx.URL(self.url.get_secret_value()).scheme == "https" else None
        await touch(*self._target, steps, self._permit, context, seconds)
        return True

    @property
    def _host(self) -> str:
        return httpx.URL(self.url.get_secret_value()).host

    @property
    def _target(self) -> tuple[str, int]:
        url = httpx.URL(self.url.get_secret_value())
        return url.host, url.port or (443 if url.scheme == "https" else 80)

    def _client(self) -> httpx.AsyncClient:
        return outbound.http_client(timeout=self.timeout_seconds, ca_certificates=self.ca_certificates)

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
        body: bytes,
        files: contextlib.ExitStack,
    ) -> httpx.Request:
        url = self.url.get_secret_value()
        headers = {"user-agent": "Mailroom", "accept-encoding": "identity"}
        if destination.payload != "multipart":
            return client.build_request(
                "POST", url, content=body, headers={**headers, "content-type": "application/json"}
            )
        payload.check_size_of_files(parcel)
        parts: list[tuple[str, Any]] = [("facts", ("facts.json", body, "application/json"))]
        parts += [
            ("file", (safe_filename(file.filename), files.enter_context(file.path.open("rb")), file.media_type))
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

    def _receipt(
        self, parcel: Parcel, destination: WebhookDestination, sent: int, answer: httpx.Response, content: Content
    ) -> Receipt:
        header = answer.headers.get(destination.expect.id_header, "") if destination.expect.id_header else ""
        given = destination.expect.id_of(header, content.data if content.whole else b"")
        if any(secret in given or (len(given) >= 8 and given in secret) for secret in self._secrets()):
            given = ""  # Some endpoints give back what they were told.
        detail: dict[str, Any] = {
            "status": answer.status_code,
            "host": self._host,
            "bytes": sent,
            "answer_bytes": content.size,
        }
        return Receipt(
            reference=given or parcel.key,
            grade=Grade.ACCEPTED_WITH_ID if given else Grade.ACCEPTED,
            detail={**detail, "answer_bytes": content.size, **({"webhook_id": parcel.key} if given else {})},
        )

    def _secrets(self) -> list[str]:
        given = (self.auth_secret, self.signing_secret, self.previous_signing_secret, self.url)
        return [text for secret in given if secret is not None and (text := secret.get_secret_value())]


def _body(destination: WebhookDestination, parcel: Parcel) -> bytes:
    match destination.payload:
        case "link":
            return payload.with_links(parcel)
        case "inline":
            return payload.inline(parcel)
    return payload.facts(parcel)
