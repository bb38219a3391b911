"""Jobs over a real HTTP source that counts who asks, and holds back its answer when told to."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mailroom.rendering import client
from mailroom.rendering.job import Limits, RenderJob
from mailroom.rendering.renderers.fair_queue import FairQueue
from mailroom.rendering.renderers.service import serve
from mailroom.rendering.renderers.single_flight import Flight
from mailroom.reports.spec import ReportDefinition
from mailroom.settings import Settings
from prefect_mailroom import outbound
from tests.support.waiting import eventually


class Source:
    """An HTTP source: `asked` holds the paths that were asked for; answers wait until `open` is set."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.open = threading.Event()
        self.open.set()


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    """Serve a CSV export on loopback."""
    there = Source()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library's name
            there.asked.append(self.path)
            there.open.wait(60)
            with contextlib.suppress(ConnectionError):  # The renderer was killed meanwhile.
                self.send_response(200)
                self.end_headers()
                self.wfile.write(f"name,n\na,1\n{self.path},2\n".encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.0/8")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        there.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield there
        there.open.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def export_job(source: Source, tmp_path: Path) -> Callable[..., RenderJob]:
    """Return a maker of jobs: `export_job(name, formats)` renders `/<name>` into the folder `out/<folder or name>`."""

    def make(
        name: str = "a", formats: tuple[str, ...] = ("csv",), *, folder: str = "", template: str = "", **limits: Any
    ) -> RenderJob:
        definition = {
            "id": "report",
            "title": "Report",
            "source": {"kind": "http", "connection": "c", "path": f"/{name}", "content": "csv"},
            "sections": [{"kind": "table", "query": "rows"}],
            "formats": ["csv", "html", "pdf", "xlsx"],
            "template": template or None,
        }
        return RenderJob.model_validate(
            {
                "definition": ReportDefinition.model_validate(definition),
                "parameters": {},
                "formats": formats,
                "due_at": datetime(2013, 4, 1, 13, tzinfo=UTC),
                "timezone": "Europe/Berlin",
                "access": {
                    "kind": "http", "base_url": source.url, "headers": {}, "timeout_seconds": 60, "max_bytes": 10_000,
                },
                "folder": tmp_path / "out" / (folder or name),
                "limits": Limits(**limits),
            }
        )  # fmt: skip

    return make


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return the settings of a machine with one renderer and a named socket."""
    return Settings(data_dir=tmp_path / "data", renderers=1, renderers_socket=tmp_path / "data" / "r.sock")


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[Flight]:
    """What has come into the service's queue so far; ask for it before `service`."""
    seen: list[Flight] = []
    stock = FairQueue[Flight].push

    def push(queue: FairQueue[Flight], item: Flight, **where: Any) -> None:
        stock(queue, item, **where)
        seen.append(item)

    monkeypatch.setattr(FairQueue, "push", push)
    return seen


@pytest.fixture
async def service(settings: Settings, source: Source) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Serve in this process, with real renderers; yields what stops the service in order."""
    told = asyncio.Event()
    running = asyncio.create_task(serve(settings, told))
    await eventually(lambda: client.is_serving(settings))

    async def stop() -> None:
        told.set()
        await running

    yield stop
    source.open.set()
    await stop()
