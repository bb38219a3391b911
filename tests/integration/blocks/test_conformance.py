"""The channel conformance suite, run against every channel with its real far side."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Mapping
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from prefect_email import EmailServerCredentials

from prefect_mailroom.channels.base import Channel, Destination
from prefect_mailroom.channels.email.channel import EmailChannel
from prefect_mailroom.channels.email.destination import EmailDestination
from prefect_mailroom.channels.folder import FolderChannel, FolderDestination
from prefect_mailroom.channels.webhook.channel import WebhookChannel
from prefect_mailroom.channels.webhook.destination import WebhookDestination
from prefect_mailroom.errors import Refused, RetryLater
from prefect_mailroom.testing import ChannelConformance, FarSide, RecordingChannel, RecordingDestination
from prefect_mailroom.testing.hard_cases import HardCases, HardFarSide

PASSWORD = "canary-smtp-password"
SIGNING_KEY = base64.b64encode(b"canary-signing-key-of-32-bytes!!").decode()
TOKEN = "canary-bearer-token"


class RecordingFarSide(FarSide):
    deduplicates = True

    def __init__(self) -> None:
        self.channel: RecordingChannel = RecordingChannel()

    def destination(self) -> Destination:
        return RecordingDestination(
            connection="test", to=["ada@example.com"], note="For {report_name}", path="{file_name}"
        )

    async def received(self) -> list[Mapping[str, bytes]]:
        return list(self.channel.taken.values())

    async def shown(self) -> str:
        return "\n".join(
            receipt.detail["note"] + " ".join(receipt.detail["paths"]) for receipt in self.channel.recorder.receipts
        )

    def unreachable(self) -> Channel:
        channel = RecordingChannel()
        channel.fail_next(RetryLater("Nothing is there."))
        return channel

    @contextlib.asynccontextmanager
    async def refusing(self) -> AsyncIterator[Channel]:
        channel = RecordingChannel()
        channel.fail_next(Refused("No."))
        yield channel

    def silent(self) -> None:
        return None


class TestRecording(ChannelConformance):
    @pytest.fixture
    def far_side(self) -> RecordingFarSide:
        return RecordingFarSide()


class FolderFarSide(HardFarSide):
    deduplicates = True

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.channel = FolderChannel(root=str(root))

    def destination(self) -> Destination:
        return FolderDestination(connection="test", path="{date:%Y/%m}/{file_name}", if_exists="fail")

    async def received(self) -> list[Mapping[str, bytes]]:
        files = {path.name: path.read_bytes() for path in self.root.rglob("*") if path.is_file()}
        return [files] if files else []

    async def shown(self) -> str:
        return "\n".join(str(path.relative_to(self.root)) for path in self.root.rglob("*"))

    def unreachable(self) -> Channel:
        return FolderChannel(root=str(self.root / "missing"))

    @contextlib.asynccontextmanager
    async def refusing(self) -> AsyncIterator[Channel]:
        folder = self.root / "2026" / "02"
        folder.mkdir(parents=True)
        (folder / "a.csv").write_bytes(b"of somebody else")
        yield self.channel

    def silent(self) -> None:
        return None


class TestFolder(HardCases, ChannelConformance):
    @pytest.fixture
    def far_side(self, tmp_path: Path) -> FolderFarSide:
        return FolderFarSide(tmp_path / "root")


class EmailFarSide(FarSide):
    def __init__(self, server: Any, closed_port: int, **settings: Any) -> None:
        self.server = server
        self.closed_port = closed_port
        self.settings = settings
        self.secrets = (PASSWORD,)
        self.channel = self._channel(server.port)

    def _channel(self, port: int, timeout: float = 20) -> EmailChannel:
        credentials = {
            key: value for key, value in self.settings.items() if key in ("smtp_type", "username", "password")
        }
        rest = {key: value for key, value in self.settings.items() if key not in credentials}
        return EmailChannel(
            credentials=EmailServerCredentials(smtp_server="127.0.0.1", smtp_port=port, **credentials),
            from_address="reports@example.com",
            timeout_seconds=timeout,
            **rest,
        )

    def destination(self) -> Destination:
        return EmailDestination(connection="test", to=["ada@example.com"])

    async def received(self) -> list[Mapping[str, bytes]]:
        mails = [message_from_bytes(envelope.content, policy=default) for envelope in self.server.envelopes]
        return [
            {part.get_filename(): part.get_payload(decode=True) for part in mail.iter_attachments()}  # type: ignore[misc]  # All have names.
            for mail in mails
        ]

    async def shown(self) -> str:
        told = []
        for envelope in self.server.envelopes:
            mail = message_from_bytes(envelope.content, policy=default)
            told.append(str(mail["Subject"]))
            told += [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
        return "\n".join(told)

    def unreachable(self) -> Channel:
        return self._channel(self.closed_port)

    @contextlib.asynccontextmanager
    async def refusing(self) -> AsyncIterator[Channel]:
        self.server.rcpt_reply = "550 5.1.1 No such mailbox"
        yield self.channel

    @contextlib.asynccontextmanager
    async def silent(self) -> AsyncIterator[Channel]:
        self.server.data_hangs = True
        yield self._channel(self.server.port, timeout=3)


class TestEmailPlain(ChannelConformance):
    @pytest.fixture
    async def far_side(self, start_smtp: Any, closed_port: int) -> AsyncIterator[EmailFarSide]:
        async with start_smtp() as server:
            yield EmailFarSide(server, closed_port, smtp_type="INSECURE", allow_plain=True)


class TestEmailStartTls(ChannelConformance):
    @pytest.fixture
    async def far_side(self, start_smtp: Any, closed_port: int, make_certificate: Any) -> AsyncIterator[EmailFarSide]:
        certificate = make_certificate()
        async with start_smtp(certificate, auth=True) as server:
            yield EmailFarSide(
                server,
                closed_port,
                smtp_type="STARTTLS",
                username="mailroom",
                password=PASSWORD,
                ca_certificates=certificate.pem,
            )


class WebhookFarSide(HardFarSide):
    secrets = (SIGNING_KEY, TOKEN, "canary-in-url")

    def __init__(self, server: Any, closed_port: int, silent_port: int) -> None:
        self.server = server
        self.closed_port = closed_port
        self.silent_port = silent_port
        self.channel = self._channel(server.port)

    def _channel(self, port: int, timeout: float = 20) -> WebhookChannel:
        return WebhookChannel(
            url=f"http://127.0.0.1:{port}/hook?key=canary-in-url",
            signing_secret=f"whsec_{SIGNING_KEY}",
            auth="bearer",
            auth_secret=TOKEN,
            timeout_seconds=timeout,
        )

    def destination(self) -> Destination:
        return WebhookDestination(connection="test", payload="multipart")

    async def received(self) -> list[Mapping[str, bytes]]:
        return [multipart_files(request) for request in self.server.requests if request.method == "POST"]

    async def shown(self) -> str:
        return "\n".join(request.body.decode(errors="replace") for request in self.server.requests)

    def unreachable(self) -> Channel:
        return self._channel(self.closed_port)

    @contextlib.asynccontextmanager
    async def refusing(self) -> AsyncIterator[Channel]:
        self.server.status = 422
        yield self.channel

    @contextlib.asynccontextmanager
    async def silent(self) -> AsyncIterator[Channel]:
        yield self._channel(self.silent_port, timeout=2)

    @contextlib.asynccontextmanager
    async def wrong_credential(self) -> AsyncIterator[Channel]:
        self.server.status = self.server.head_status = 401
        yield self.channel
        self.server.requests.clear()  # They arrived, and were not taken.

    @contextlib.asynccontextmanager
    async def full(self) -> AsyncIterator[Channel]:
        self.server.status = 507
        yield self.channel
        self.server.requests.clear()

    @contextlib.asynccontextmanager
    async def cut_off(self) -> AsyncIterator[Channel]:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.transport.abort()

        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as cutting:
            yield self._channel(cutting.sockets[0].getsockname()[1])


class TestWebhook(HardCases, ChannelConformance):
    @pytest.fixture
    async def far_side(self, start_http: Any, closed_port: int, silent_port: int) -> AsyncIterator[WebhookFarSide]:
        async with start_http() as server:
            yield WebhookFarSide(server, closed_port, silent_port)


def multipart_files(request: Any) -> dict[str, bytes]:
    """The parts named `file`, split by the boundary alone, so that no parser's leniency hides a fault."""
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    files: dict[str, bytes] = {}
    for part in request.body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if b'name="file"' in head:
            name = head.split(b'filename="')[1].split(b'"')[0].decode()
            files[name] = content.removesuffix(b"\r\n")
    return files
