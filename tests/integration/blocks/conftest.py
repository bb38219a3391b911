"""Real far sides for the channels: an SMTP server with TLS and login, an HTTP server, certificates for both."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_mailroom import outbound
from tests.support.certificates import Certificate, self_signed
from tests.support.small_disk import small_disk_at
from tests.support.smtp import SmtpServer
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
def _this_machine_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")


MakeCertificate = Callable[..., Certificate]


@pytest.fixture(scope="session")
def make_certificate(tmp_path_factory: pytest.TempPathFactory) -> MakeCertificate:
    """Make a self-signed certificate for an address, valid for the given number of days from today."""

    def make(address: str = "127.0.0.1", days: int = 2) -> Certificate:
        return self_signed(tmp_path_factory.mktemp("tls"), address, days)

    return make


StartSmtp = Callable[..., contextlib.AbstractAsyncContextManager[SmtpServer]]


@pytest.fixture
def start_smtp() -> StartSmtp:
    def start(
        certificate: Certificate | None = None, *, implicit: bool = False, auth: bool = False
    ) -> contextlib.AbstractAsyncContextManager[SmtpServer]:
        """Plain, STARTTLS with a certificate, or TLS from the start with `implicit`."""
        return SmtpServer().serving(certificate.context if certificate else None, implicit=implicit, auth=auth)

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
        await eventually(lambda: server.started or serving.done())
        assert server.started
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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """The folder of a file system of 4 MB."""
    with small_disk_at(tmp_path / "small") as folder:
        yield folder
