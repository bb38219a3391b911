"""The whole suite of a channel, hard cases included, against servers that others wrote."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest

from prefect_mailroom.channels.base import Channel, Destination
from prefect_mailroom.channels.email.channel import EmailChannel
from prefect_mailroom.channels.email.destination import EmailDestination
from prefect_mailroom.testing import ChannelConformance, HardCases, HardFarSide
from tests.integration.blocks.email.conftest import channel_to
from tests.integration.blocks.test_conformance import PASSWORD as SMTP_PASSWORD
from tests.integration.blocks.test_conformance import EmailFarSide
from tests.support.dovecot import PASSWORD, USERNAME, Dovecot
from tests.support.mail_parser import ReadMail, read_mail
from tests.support.smtp_sink import Sink, smtp_sink
from tests.support.token_server import CLIENT_ID, CLIENT_SECRET, TokenServer

StartSink = Callable[..., AbstractContextManager[Sink]]


class SinkFarSide(HardFarSide):
    """Postfix's smtp-sink. What each one got that a test has started counts as received."""

    secrets: tuple[str, ...] = ()

    def __init__(self, closed_port: int) -> None:
        self.closed_port = closed_port
        self.sinks: list[Sink] = []

    def start(self, *options: str) -> AbstractContextManager[Sink]:
        return smtp_sink(*options)

    def channel_of(self, port: int, timeout: float = 20) -> EmailChannel:
        return channel_to(port, timeout_seconds=timeout)

    @contextlib.asynccontextmanager
    async def opened(self, *options: str, timeout: float = 20) -> AsyncIterator[Channel]:
        with self.start(*options) as sink:
            self.sinks.append(sink)
            yield self.channel_of(sink.port, timeout)
            self.mails += sink.mails()
            self.sinks.remove(sink)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[SinkFarSide]:
        self.mails: list[Any] = []
        async with self.opened() as channel:
            self.channel = channel
            yield self

    def _all(self) -> list[Any]:
        return [*self.mails, *(mail for sink in self.sinks for mail in sink.mails())]

    def _read(self) -> list[ReadMail]:
        return [read_mail(mail.content) for mail in self._all()]

    def destination(self) -> Destination:
        return EmailDestination(connection="test", to=["ada@example.com"])

    async def received(self) -> list[Mapping[str, bytes]]:
        return [mail.files() for mail in self._read()]

    async def shown(self) -> str:
        mails = self._read()
        texts = [part.body.decode() for mail in mails for part in mail.parts if part.media_type.startswith("text/")]
        return "\n".join([mail.subject for mail in mails] + texts)

    async def reached(self) -> list[str]:
        return [recipient for mail in self._all() for recipient in mail.recipients]

    def unreachable(self) -> Channel:
        return self.channel_of(self.closed_port)

    def refusing(self) -> Any:
        return self.opened("-f", "RCPT")

    def silent(self) -> Any:
        return self.opened("-W", ".:30", timeout=2)

    def cut_off(self) -> Any:
        return self.opened("-q", ".")

    def full(self) -> Any:
        return self.opened("-b", "452 4.2.2 Mailbox full", "-r", "RCPT")

    def slow(self) -> Any:
        return self.opened("-W", "RCPT:1")


class TestSmtpSink(HardCases, ChannelConformance):
    @pytest.fixture
    async def far_side(self, closed_port: int) -> AsyncIterator[SinkFarSide]:
        async with SinkFarSide(closed_port).running() as far_side:
            yield far_side


class DovecotFarSide(SinkFarSide):
    """Dovecot with STARTTLS and a login by a token, which passes mails on to smtp-sink."""

    def __init__(self, server: Dovecot, tokens: TokenServer, relay: int, closed_port: int) -> None:
        super().__init__(closed_port)
        self.server, self.tokens, self.relay = server, tokens, relay
        self.secrets = (CLIENT_SECRET, *tokens.good, PASSWORD)
        self._main = contextlib.ExitStack()

    def start(self, *options: str) -> AbstractContextManager[Sink]:
        return smtp_sink(*options, port=self.relay)

    def channel_of(self, port: int, timeout: float = 20) -> EmailChannel:
        oauth = {
            "provider": "microsoft",
            "tenant": "contoso",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "authority": self.tokens.url,
        }
        where = self.closed_port if port == self.closed_port else self.server.port
        pem = self.server.pem
        return channel_to(
            where, smtp_type="STARTTLS", oauth=oauth, ca_certificates=pem, timeout_seconds=timeout, allow_plain=False
        )

    @contextlib.asynccontextmanager
    async def opened(self, *options: str, timeout: float = 20) -> AsyncIterator[Channel]:
        """Put another smtp-sink behind dovecot while the block runs."""
        for sink in self.sinks:
            self.mails += sink.mails()
        self.sinks.clear()
        self._main.close()
        with self.start(*options) as sink:
            self.sinks.append(sink)
            yield self.channel_of(sink.port, timeout)
            self.mails += sink.mails()
            self.sinks.clear()
        self.sinks.append(self._main.enter_context(self.start()))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[SinkFarSide]:
        self.mails = []
        with self._main:
            self.sinks.append(self._main.enter_context(self.start()))
            self.channel = self.channel_of(self.relay)
            yield self

    @contextlib.asynccontextmanager
    async def wrong_credential(self) -> AsyncIterator[Channel]:
        yield channel_to(
            self.server.port,
            smtp_type="STARTTLS",
            username=USERNAME,
            password="canary-wrong",
            ca_certificates=self.server.pem,
        )

    @contextlib.asynccontextmanager
    async def wrong_identity(self) -> AsyncIterator[Channel]:
        yield channel_to(self.server.port, smtp_type="STARTTLS", username=USERNAME, password=PASSWORD)

    def cut_off(self) -> None:
        """Return nothing: dovecot answers 4xx when the server behind it breaks off."""
        return


class TestDovecotByToken(HardCases, ChannelConformance):
    @pytest.fixture
    async def far_side(
        self, submission: tuple[Dovecot, TokenServer, int], closed_port: int
    ) -> AsyncIterator[SinkFarSide]:
        async with DovecotFarSide(*submission, closed_port).running() as far_side:
            yield far_side


class AiosmtpdFarSide(HardFarSide, EmailFarSide):
    """aiosmtpd with STARTTLS and a login by a password, which misbehaves as it is told."""

    async def reached(self) -> list[str]:
        return [recipient for envelope in self.server.envelopes for recipient in envelope.rcpt_tos]

    async def received(self) -> list[Mapping[str, bytes]]:
        return [read_mail(envelope.content).files() for envelope in self.server.envelopes]

    @contextlib.asynccontextmanager
    async def told(self, **behaviour: Any) -> AsyncIterator[Channel]:
        """Let the server behave so while the block runs."""
        usual = {name: getattr(self.server, name) for name in behaviour}
        for name, value in behaviour.items():
            setattr(self.server, name, value)
        yield self.channel
        for name, value in usual.items():
            setattr(self.server, name, value)

    @contextlib.asynccontextmanager
    async def wrong_credential(self) -> AsyncIterator[Channel]:
        self.settings["password"] = "canary-wrong"
        yield self._channel(self.server.port)

    @contextlib.asynccontextmanager
    async def wrong_identity(self) -> AsyncIterator[Channel]:
        self.settings["ca_certificates"] = ""
        yield self._channel(self.server.port)

    def cut_off(self) -> Any:
        return self.told(data_breaks=True)

    def full(self) -> Any:
        return self.told(rcpt_reply="552 5.2.2 Mailbox full")

    def slow(self) -> Any:
        return self.told(before=partial(asyncio.sleep, 0.3))


class TestAiosmtpd(HardCases):
    @pytest.fixture
    async def far_side(
        self, start_smtp: Any, closed_port: int, make_certificate: Any
    ) -> AsyncIterator[AiosmtpdFarSide]:
        certificate = make_certificate()
        login = {"smtp_type": "STARTTLS", "username": "mailroom", "password": SMTP_PASSWORD}
        async with start_smtp(certificate, auth=True) as server:
            yield AiosmtpdFarSide(server, closed_port, ca_certificates=certificate.pem, **login)
