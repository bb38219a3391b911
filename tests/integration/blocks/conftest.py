"""Real far sides for the channels: an SMTP server with TLS and login, an HTTP server, certificates for both."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_mailroom import outbound

PASSWORD = "canary-smtp-password"


@pytest.fixture(autouse=True)
def _this_machine_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")


@dataclass(frozen=True)
class Certificate:
    pem: str
    context: ssl.SSLContext


MakeCertificate = Callable[..., Certificate]


@pytest.fixture(scope="session")
def make_certificate(tmp_path_factory: pytest.TempPathFactory) -> MakeCertificate:
    """Make a self-signed certificate for an address, valid for the given number of days from today."""

    def make(address: str = "127.0.0.1", days: int = 2) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mailroom test")])
        now = dt.datetime.now(dt.UTC)
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=10))
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem = built.public_bytes(serialization.Encoding.PEM).decode()
        folder = tmp_path_factory.mktemp("tls")
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / "chain.pem").write_text(pem + secret.decode())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "chain.pem")
        return Certificate(pem, context)

    return make


@dataclass
class SmtpServer:
    """An SMTP server whose answers can be changed at any time; None lets a command take its course."""

    port: int = 0
    envelopes: list[Envelope] = field(default_factory=list)
    mail_reply: str | None = None
    rcpt_reply: str | None = None
    data_reply: str = "250 2.0.0 Ok: queued as 4F2A1B3C"
    data_hangs: bool = False
    data_breaks: bool = False
    logins: list[str] = field(default_factory=list)

    async def handle_MAIL(  # noqa: N802  # aiosmtpd's name.
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.mail_reply:
            return self.mail_reply
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name.
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.rcpt_reply:
            return self.rcpt_reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name.
        if self.data_hangs:
            await asyncio.Event().wait()
        self.envelopes.append(envelope)
        if self.data_breaks:
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return self.data_reply

    def login(self, _server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(mechanism)
        return AuthResult(success=data == LoginPassword(b"mailroom", PASSWORD.encode()), handled=False)


StartSmtp = Callable[..., contextlib.AbstractAsyncContextManager[SmtpServer]]


@pytest.fixture
def start_smtp() -> StartSmtp:
    @contextlib.asynccontextmanager
    async def start(
        certificate: Certificate | None = None, *, implicit: bool = False, auth: bool = False
    ) -> AsyncIterator[SmtpServer]:
        """Plain, STARTTLS with a certificate, or TLS from the start with `implicit`."""
        far = SmtpServer()
        starttls = certificate.context if certificate and not implicit else None
        protocols: list[SMTP] = []

        def protocol() -> SMTP:
            protocols.append(
                SMTP(
                    far,
                    hostname="mail.test",
                    tls_context=starttls,
                    require_starttls=starttls is not None,
                    auth_required=auth,
                    auth_require_tls=certificate is not None and not implicit,
                    authenticator=far.login if auth else None,
                    auth_exclude_mechanism=["LOGIN"],
                    data_size_limit=60_000_000,
                )
            )
            return protocols[-1]

        loop = asyncio.get_running_loop()
        context = certificate.context if certificate and implicit else None
        server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=context)
        far.port = server.sockets[0].getsockname()[1]
        try:
            yield far
        finally:
            server.close()
            for opened in protocols:
                if isinstance(opened.transport, asyncio.WriteTransport):
                    opened.transport.abort()
                if opened._handler_coroutine is not None:
                    opened._handler_coroutine.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await opened._handler_coroutine

    return start


@dataclass(frozen=True)
class Posted:
    method: str
    headers: dict[str, str]
    body: bytes
    form: list[tuple[str, str, bytes]]


@dataclass
class HttpServer:
    """`answer` makes the answer to each POST; HEAD gets 405, as from most webhook receivers."""

    port: int = 0
    url: str = ""
    requests: list[Posted] = field(default_factory=list)
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    head_status: int = 405

    async def handle(self, request: Request) -> Response:
        body = await request.body()
        self.requests.append(Posted(request.method, dict(request.headers), body, []))
        if request.method == "HEAD":
            return Response(status_code=self.head_status)
        return Response(self.body, status_code=self.status, headers=self.headers)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave pytest's signal handlers alone."""
        yield


StartHttp = Callable[..., contextlib.AbstractAsyncContextManager[HttpServer]]


@pytest.fixture
def start_http(tmp_path: Path) -> StartHttp:
    @contextlib.asynccontextmanager
    async def start(certificate_file: Path | None = None) -> AsyncIterator[HttpServer]:
        far = HttpServer()
        app = Starlette(routes=[Route("/{path:path}", far.handle, methods=["GET", "HEAD", "POST"])])
        config = uvicorn.Config(
            app,
            host="127.0.0.1",
            port=0,
            log_level="error",
            lifespan="off",
            ssl_certfile=certificate_file,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            assert not serving.done()
            await asyncio.sleep(0.01)
        far.port = server.servers[0].sockets[0].getsockname()[1]
        far.url = f"http://127.0.0.1:{far.port}/hook"
        try:
            yield far
        finally:
            server.should_exit = True
            await serving

    return start


@pytest.fixture
async def silent_port() -> AsyncIterator[int]:
    """A port where a server takes everything and never answers."""
    writers: list[asyncio.StreamWriter] = []

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(ConnectionError):
            while await reader.read(65_536):
                pass

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for writer in writers:
        writer.close()


@pytest.fixture
async def closed_port() -> int:
    """A port where nothing listens."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()
    return port
