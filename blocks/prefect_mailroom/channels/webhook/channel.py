"""Facts and files to an HTTP endpoint, signed after Standard Webhooks.

`webhook-id` is the parcel's key, the same for every attempt, so a receiver that keeps the ids it has seen never
takes a parcel twice. What it answers is read for its status alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, Literal, cast

import httpx
from pydantic import Field, SecretStr, field_validator, model_validator

from prefect_mailroom import outbound
from prefect_mailroom.channels.base import Channel, Destination, Parcel, Receipt
from prefect_mailroom.channels.webhook.signing import secret_bytes, signature_header
from prefect_mailroom.errors import ConfigurationError, MailroomError, OutcomeUnknown, Refused, RetryLater

MAX_FACTS_BYTES = 20_000
MAX_FILES_BYTES = 100_000_000
_MAX_ANSWER = 65_536
_LONGEST_WAIT = 24 * 3600
_BUSY = {408, 429, 502, 503, 504}


class WebhookDestination(Destination):
    """`facts` posts JSON about the report; `multipart` posts the same as the part `facts`, then each file as `file`."""

    channel: Literal["webhook"] = "webhook"
    payload: Literal["facts", "multipart"] = "facts"

    def for_test(self, caller: str) -> WebhookDestination:
        """The same endpoint; the body says `"test": true`."""
        return self


class WebhookChannel(Channel):
    """Posts signed JSON, and files if wanted, to an HTTP endpoint."""

    _block_type_name = "Mailroom Webhook"
    _block_type_slug = "mailroom-webhook"
    _description = "Posts report facts and files to an HTTP endpoint, signed after Standard Webhooks."

    kind: ClassVar[str] = "webhook"
    destination_type: ClassVar[type[Destination]] = WebhookDestination

    url: SecretStr = Field(description="Where to post to. Secret, since many such addresses are their own password.")
    signing_secret: SecretStr = Field(description="whsec_ and the base64 of at least 24 random bytes.")
    previous_signing_secret: SecretStr | None = Field(
        default=None, description="Signs as well, while receivers move to the new one."
    )
    auth: Literal["none", "bearer", "basic", "api_key"] = Field(
        default="none", description="How to log in beyond the signature."
    )
    auth_user: str = Field(default="", description="The user name, for basic.")
    auth_header: str = Field(
        default="X-API-Key", pattern=r"^[A-Za-z0-9-]{1,64}$", description="The header that takes the key, for api_key."
    )
    auth_secret: SecretStr | None = Field(default=None, description="The token, password or key.")
    timeout_seconds: float = Field(default=20, gt=0, le=30, description="How long one attempt may take, in seconds.")

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
            raise ValueError("url: it holds a user name; use auth: basic instead.")
        return url

    @field_validator("signing_secret", "previous_signing_secret")
    @classmethod
    def _secret_is_strong(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            secret_bytes(secret.get_secret_value())
        return secret

    @model_validator(mode="after")
    def _auth_is_complete(self) -> WebhookChannel:
        if self.auth != "none" and self.auth_secret is None:
            raise ValueError(f"auth_secret: auth is {self.auth}, and there is nothing to log in with; give it.")
        if self.auth_secret is not None and not self.auth_secret.get_secret_value().isprintable():
            raise ValueError("auth_secret: it holds a line break or control character; copy it again.")
        return self

    async def transfer(self, parcel: Parcel) -> Receipt:
        """Post once. Nothing is sent to a host that may not be reached, and no redirect is followed."""
        destination = parcel.destination
        if not isinstance(destination, WebhookDestination):
            raise ConfigurationError("The destination is not one of a webhook.", field="channel")
        facts = _facts(parcel)
        await self._permit()
        async with outbound.http_client(timeout=self.timeout_seconds) as client:
            with contextlib.ExitStack() as files:
                request = self._request(client, parcel, destination, facts, files)
                await asyncio.to_thread(self._sign, request, parcel.key)
                with _translated(self._host):
                    answer = await client.send(request, auth=self._auth(), stream=True)
                    try:
                        _raise_for(answer, self._host)
                        size = await _length(answer)
                    finally:
                        await answer.aclose()
        detail = {"status": answer.status_code, "host": self._host, "bytes": int(request.headers["content-length"])}
        return Receipt(reference=parcel.key, detail={**detail, "answer_bytes": size})

    async def check(self) -> str:
        """Ask the endpoint with HEAD, which delivers nothing; any answer but a failed login or a redirect is fine."""
        await self._permit()
        async with outbound.http_client(timeout=self.timeout_seconds) as client:
            with _translated(self._host):
                request = client.build_request("HEAD", self.url.get_secret_value())
                answer = await client.send(request, auth=self._auth())
                if answer.status_code in (401, 403, 410) or answer.is_redirect:
                    _raise_for(answer, self._host)
        return f"{self._host} answers (HTTP {answer.status_code} to HEAD); a test delivery proves the signature."

    @property
    def _host(self) -> str:
        return httpx.URL(self.url.get_secret_value()).host

    async def _permit(self) -> None:
        url = httpx.URL(self.url.get_secret_value())
        addresses = await outbound.resolve(
            url.host, url.port or (443 if url.scheme == "https" else 80), timeout=self.timeout_seconds / 2
        )
        if url.scheme == "http" and not all(outbound.is_opened(url.host, address) for address in addresses):
            raise ConfigurationError(
                f"The url of '{url.host}' is not encrypted.",
                remedy=f"Use https://. Plain http:// is for hosts that the operator lists in {outbound.VARIABLE}.",
                field="url",
            )

    def _auth(self) -> httpx.Auth | None:
        if self.auth == "none" or self.auth_secret is None:
            return None
        secret = self.auth_secret.get_secret_value()
        if self.auth == "basic":
            return httpx.BasicAuth(self.auth_user, secret)
        name, value = ("Authorization", f"Bearer {secret}") if self.auth == "bearer" else (self.auth_header, secret)
        return _HeaderAuth(name, value)

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
                f"The files are {size:,} bytes; a webhook takes {MAX_FILES_BYTES:,}.",
                remedy="Choose fewer formats, or payload: facts.",
            )
        parts: list[tuple[str, Any]] = [("facts", ("facts.json", facts, "application/json"))]
        parts += [
            ("file", (file.filename, files.enter_context(file.path.open("rb")), file.media_type))
            for file in parcel.files
        ]
        return client.build_request("POST", url, files=parts, headers=headers)

    def _sign(self, request: httpx.Request, key: str) -> None:
        """Read the whole body once for its signature; sending reads it again, so no body is ever held whole."""
        secrets = [self.signing_secret, *([self.previous_signing_secret] if self.previous_signing_secret else [])]
        timestamp = int(time.time())
        body = cast(httpx.SyncByteStream, request.stream)
        plain = [secret.get_secret_value() for secret in secrets]
        request.headers["webhook-id"] = key
        request.headers["webhook-timestamp"] = str(timestamp)
        request.headers["webhook-signature"] = signature_header(plain, key, timestamp, body)


class _HeaderAuth(httpx.Auth):
    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]  # We read no answer.
        request.headers[self._name] = self._value
        yield request


def _facts(parcel: Parcel) -> bytes:
    files = [
        {"filename": file.filename, "media_type": file.media_type, "bytes": file.size, "sha256": file.sha256}
        for file in parcel.files
    ]
    payload = {"type": "report.ready", "test": parcel.is_test, "data": {**parcel.facts, "files": files}}
    try:
        body = json.dumps(payload, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise Refused("The facts about this report cannot be written as JSON.", remedy="Remove NaN values.") from error
    if len(body) > MAX_FACTS_BYTES:
        raise Refused(
            f"The facts about this report are {len(body):,} bytes; a webhook takes {MAX_FACTS_BYTES:,}.",
            remedy="Show fewer key figures.",
        )
    return body


def _raise_for(answer: httpx.Response, host: str) -> None:
    """Nothing for 2xx; else the outcome that the status stands for. The answer's text goes into none of them."""
    status = answer.status_code
    said = f"'{host}' answered HTTP {status}"
    if answer.is_success:
        return
    if status in (401, 403):
        raise ConfigurationError(f"{said}: it does not accept our login.", remedy="Check auth and auth_secret.")
    if answer.has_redirect_location or 300 <= status < 400:
        raise Refused(f"{said}, a redirect; none is followed.", remedy="Put the final address into the connection.")
    if status == 410:
        raise Refused(f"{said}: the endpoint is gone for good.", remedy="Remove this destination.")
    if status in _BUSY or status >= 500:
        raise RetryLater(f"{said}.", not_before=_retry_after(answer.headers.get("retry-after", "")))
    raise Refused(f"{said}.", remedy="Ask whoever runs the endpoint what is wrong with the request.")


def _retry_after(value: str) -> float | None:
    """Seconds to wait, from a number or a date; at most a day; None for what is neither."""
    if value.strip().isascii() and value.strip().isdigit():
        return float(min(int(value.strip()[:9]), _LONGEST_WAIT))
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((aware - datetime.now(UTC)).total_seconds(), 0.0), _LONGEST_WAIT)


async def _length(answer: httpx.Response) -> int:
    """Bytes of the answer, counted to 64 KiB and dropped. A break here changes nothing: the status has arrived."""
    counted = 0
    with contextlib.suppress(httpx.HTTPError):
        async for chunk in answer.aiter_raw():
            counted += len(chunk)
            if counted > _MAX_ANSWER:
                break
    return counted


@contextlib.contextmanager
def _translated(host: str) -> Iterator[None]:
    try:
        yield
    except MailroomError:
        raise
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        if _is_certificate(error):
            raise ConfigurationError(
                f"'{host}' shows no certificate that can be trusted.",
                remedy="Have its certificate renewed, or correct the host name.",
                field="url",
            ) from None
        raise RetryLater(f"'{host}' cannot be reached.", remedy="Check that it runs.") from None
    # What httpx says may quote the url, which is secret; its type tells enough.
    except httpx.HTTPError as error:
        raise OutcomeUnknown(f"The connection to '{host}' broke off: {type(error).__name__}.") from None
    except httpx.InvalidURL:
        raise ConfigurationError(f"The url of '{host}' cannot be used.", field="url") from None


def _is_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
