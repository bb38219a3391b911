from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from standardwebhooks.webhooks import Webhook

from prefect_mailroom import outbound
from prefect_mailroom.channels.base import Parcel, ParcelFile
from prefect_mailroom.channels.steps import Steps
from prefect_mailroom.channels.webhook.channel import WebhookChannel
from prefect_mailroom.channels.webhook.destination import WebhookDestination
from prefect_mailroom.errors import ConfigurationError, Gone, MailroomError, OutcomeUnknown, Refused, RetryLater

CURRENT = "whsec_" + base64.b64encode(b"current-signing-key-of-32-bytes!").decode()
PREVIOUS = "whsec_" + base64.b64encode(b"previous-signing-key-of-32-bytes").decode()


def channel_to(url: str, **settings: Any) -> WebhookChannel:
    return WebhookChannel(url=url, signing_secret=CURRENT, **{"timeout_seconds": 20, **settings})


def a_parcel(folder: Path, payload: str = "facts", **changes: Any) -> Parcel:
    content = bytes(range(256)) * 300
    path = folder / "artifact"
    path.write_bytes(content)
    file = ParcelFile(path, "Übersicht.pdf", "application/pdf", len(content), hashlib.sha256(content).hexdigest())
    destination = WebhookDestination(connection="hook", payload=payload)
    values: dict[str, Any] = {"facts": {"report": "sales", "rows": 3}, "files": (file,), **changes}
    return Parcel("execution-1:0:hook", 1, "hook", destination, **values)


async def test_facts_are_signed_with_both_secrets(start_http: Any, tmp_path: Path) -> None:
    async with start_http() as server:
        channel = channel_to(server.url, previous_signing_secret=PREVIOUS)
        receipt = await channel.deliver(a_parcel(tmp_path))
    [posted] = server.requests
    for secret in (CURRENT, PREVIOUS):
        Webhook(secret).verify(posted.body, posted.headers)
    assert posted.headers["content-type"] == "application/json"
    assert posted.headers["webhook-id"] == "execution-1:0:hook"
    payload = json.loads(posted.body)
    assert (payload["type"], payload["test"], payload["data"]["rows"]) == ("report.ready", False, 3)
    [file] = payload["data"]["files"]
    assert (file["filename"], file["bytes"]) == ("Übersicht.pdf", 76_800)
    assert receipt.detail == {"status": 204, "host": "127.0.0.1", "bytes": len(posted.body), "answer_bytes": 0}


async def test_multipart_is_signed_over_its_bytes(start_http: Any, tmp_path: Path) -> None:
    async with start_http() as server:
        await channel_to(server.url).deliver(a_parcel(tmp_path, "multipart"))
    [posted] = server.requests
    assert bytes(range(256)) * 300 in posted.body
    assert b'name="facts"' in posted.body
    stamp = posted.headers["webhook-timestamp"]
    signed = f"execution-1:0:hook.{stamp}.".encode() + posted.body
    expected = hmac.new(b"current-signing-key-of-32-bytes!", signed, "sha256").digest()
    assert posted.headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()
    assert abs(int(stamp) - datetime.now(UTC).timestamp()) < 60


async def test_a_test_says_so(start_http: Any, tmp_path: Path) -> None:
    async with start_http() as server:
        await channel_to(server.url).deliver(a_parcel(tmp_path, is_test=True))
    assert json.loads(server.requests[0].body)["test"] is True


@pytest.mark.parametrize(
    ("settings", "header", "value"),
    [
        ({"auth": "bearer", "auth_secret": "t0ken"}, "authorization", "Bearer t0ken"),
        (
            {"auth": "basic", "auth_user": "ada", "auth_secret": "pw"},
            "authorization",
            "Basic " + base64.b64encode(b"ada:pw").decode(),
        ),
        ({"auth": "api_key", "auth_header": "X-Key", "auth_secret": "k3y"}, "x-key", "k3y"),
    ],
)
async def test_logins(start_http: Any, tmp_path: Path, settings: dict[str, str], header: str, value: str) -> None:
    async with start_http() as server:
        await channel_to(server.url, **settings).deliver(a_parcel(tmp_path))
    assert server.requests[0].headers[header] == value


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (300, Refused),
        (304, Refused),
        (400, Refused),
        (401, ConfigurationError),
        (403, ConfigurationError),
        (404, Refused),
        (408, RetryLater),
        (410, Gone),
        (429, RetryLater),
        (500, RetryLater),
        (502, RetryLater),
        (503, RetryLater),
        (504, RetryLater),
    ],
)
async def test_each_status_has_its_outcome(
    start_http: Any, tmp_path: Path, status: int, outcome: type[MailroomError]
) -> None:
    async with start_http() as server:
        server.status, server.body = status, b"" if status == 304 else b"canary-answer"
        with pytest.raises(outcome, match=str(status)) as caught:
            await channel_to(server.url).deliver(a_parcel(tmp_path))
    assert type(caught.value) is outcome
    assert "canary-answer" not in str(caught.value)


async def test_gone_says_what_to_do(start_http: Any, tmp_path: Path) -> None:
    async with start_http() as server:
        server.status = 410
        with pytest.raises(Gone, match="Remove this destination"):
            await channel_to(server.url).deliver(a_parcel(tmp_path))


async def test_answer_is_not_kept(start_http: Any, tmp_path: Path) -> None:
    async with start_http() as server:
        server.status, server.body = 200, b"canary-answer" * 20_000
        receipt = await channel_to(server.url).deliver(a_parcel(tmp_path))
    assert "canary" not in repr(receipt)
    assert receipt.detail["answer_bytes"] < 200_000, "The whole answer was read."


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("120", 120, 120),
        ("999999999999", 86_400, 86_400),
        ("in ten minutes", 400, 600),
        ("Mon, 01 Jan 2001 00:00:00 GMT", 0, 0),
    ],
)
async def test_retry_after_is_honoured(start_http: Any, tmp_path: Path, value: str, low: float, high: float) -> None:
    if value == "in ten minutes":
        value = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    async with start_http() as server:
        server.status, server.headers = 503, {"retry-after": value}
        with pytest.raises(RetryLater) as caught:
            await channel_to(server.url).deliver(a_parcel(tmp_path))
    assert caught.value.not_before is not None
    assert low <= caught.value.not_before <= high


async def test_retry_after_that_is_nonsense_is_none(start_http: Any, tmp_path: Path) -> None:
    async with start_http() as server:
        server.status, server.headers = 429, {"retry-after": "soon"}
        with pytest.raises(RetryLater) as caught:
            await channel_to(server.url).deliver(a_parcel(tmp_path))
    assert caught.value.not_before is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(start_http: Any, tmp_path: Path, status: int) -> None:
    async with start_http() as inside, start_http() as server:
        server.status, server.headers = status, {"location": inside.url}
        with pytest.raises(Refused, match="redirect"):
            await channel_to(server.url).deliver(a_parcel(tmp_path))
    assert inside.requests == []


@pytest.mark.parametrize("facts", [{"x": "y" * 20_000}, {"x": float("nan")}, {"x": datetime(2026, 1, 1, tzinfo=UTC)}])
async def test_facts_that_cannot_be_sent(start_http: Any, tmp_path: Path, facts: dict[str, Any]) -> None:
    async with start_http() as server:
        with pytest.raises(Refused):
            await channel_to(server.url).deliver(a_parcel(tmp_path, facts=facts))
    assert server.requests == []


async def test_check_delivers_nothing_and_sees_a_wrong_login(start_http: Any) -> None:
    async with start_http() as server:
        assert "405" in await channel_to(server.url).check(Steps())
        server.head_status = 401
        with pytest.raises(ConfigurationError):
            await channel_to(server.url).check(Steps())
    assert {request.method for request in server.requests} == {"HEAD"}


HOSTS_INSIDE = [
    "127.0.0.1",
    "localhost",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.1",
    "①②⑦.⓪.⓪.①",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::]",
    "[fec0::1]",
    "[fd00:ec2::254]",
    "169.254.169.254",
    "100.100.100.200",
    "168.63.129.16",
    "100.64.0.1",
    "224.0.0.1",
    "0.0.0.0",
]


@pytest.mark.parametrize("host", HOSTS_INSIDE)
async def test_hosts_inside_get_nothing(
    start_http: Any, tmp_path: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(outbound.VARIABLE)
    async with start_http() as server:
        for scheme in ("http", "https"):
            with pytest.raises((ConfigurationError, ValidationError)):  # httpx refuses some spellings by itself.
                await channel_to(f"{scheme}://{host}:{server.port}/").deliver(a_parcel(tmp_path))
    assert server.requests == []


async def test_rebinding_is_caught_at_the_connection(
    start_http: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Public when looked up first, this machine when connected to: the peer's own address decides."""
    monkeypatch.setenv(outbound.VARIABLE, "10.99.0.0/16")
    real, asked = socket.getaddrinfo, []

    def rebinding(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        if host not in ("rebind.example.com", b"rebind.example.com"):
            return real(host, port, *arguments, **options)
        asked.append(host)
        address = "10.99.0.1" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    async with start_http() as server:
        with pytest.raises(ConfigurationError, match="not on the public internet"):
            await channel_to(f"http://rebind.example.com:{server.port}/").deliver(a_parcel(tmp_path))
    assert len(asked) >= 2, "The second look-up never happened; the test proves nothing."
    assert server.requests == []


async def test_plain_http_is_for_opened_hosts_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(outbound.VARIABLE)
    with pytest.raises(ConfigurationError, match="not encrypted"):
        await channel_to("http://1.1.1.1/").deliver(a_parcel(tmp_path))


async def test_proxy_settings_are_not_read(start_http: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with start_http() as server, start_http() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        await channel_to(server.url).deliver(a_parcel(tmp_path))
    assert proxy.requests == []
    assert len(server.requests) == 1


async def test_security_40_untrusted_certificate_is_a_configuration_error(
    make_certificate: Any, tmp_path: Path
) -> None:
    context: ssl.SSLContext = make_certificate().context
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ConfigurationError, match="certificate"):
            await channel_to(f"https://127.0.0.1:{port}/").deliver(a_parcel(tmp_path))


async def test_lost_answer_is_unknown(tmp_path: Path) -> None:
    async def read_and_hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(read_and_hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(OutcomeUnknown):
            await channel_to(f"http://127.0.0.1:{port}/").deliver(a_parcel(tmp_path))
