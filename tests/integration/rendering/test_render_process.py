"""A job in a process of its own: real SQLite, real limits, nothing left after a failure, no secret on the way."""

from __future__ import annotations

import asyncio
import http.server
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mailroom.rendering.job import Limits, RenderJob, RenderResult
from mailroom.rendering.renderers.pool import Pool
from mailroom.reports.errors import LimitExceeded
from mailroom.reports.spec import Format, ReportDefinition
from prefect_mailroom.errors import ConfigurationError, MailroomError, SourceRefused
from tests.support.processes import below, command_lines, environments
from tests.support.waiting import eventually


async def render(job: RenderJob) -> RenderResult:
    """The job in a fresh, cold pool of one renderer."""
    async with Pool(1, warm=False) as pool:
        return await pool.render(job)


Make = Callable[..., RenderJob]
ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"
MANY = "with recursive n(i) as (select 1 union all select i + 1 from n limit 400000) select i, 'some text' as t from n"


@pytest.fixture
def make_job(tmp_path: Path) -> Make:
    """`make_job(sql, formats)`: a job over a SQLite file with a table of three rows."""
    path = tmp_path / "data.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("create table t (name text, n integer)")
        database.executemany("insert into t values (?, ?)", [("a", 1), ("=b", 2), ("c", 3)])
    database.close()

    def make(
        sql: str = "select * from t", formats: tuple[str, ...] = ("csv",), template: str | None = None, **limits: Any
    ) -> RenderJob:
        definition = ReportDefinition.model_validate(
            {
                "id": "report",
                "title": "Report",
                "source": {"kind": "sql", "connection": "c", "queries": {"rows": sql}},
                "sections": [{"kind": "table", "query": "rows"}],
                "formats": formats,
                "template": template,
            }
        )
        return RenderJob.model_validate(
            {
                "definition": definition,
                "parameters": {},
                "formats": formats,
                "due_at": datetime(2013, 4, 1, 13, tzinfo=UTC),
                "timezone": "Europe/Berlin",
                "access": {"kind": "sql", "url": f"sqlite:///{path}", "statement_timeout": 60},
                "folder": tmp_path / "out",
                "limits": Limits(**limits),
            }
        )

    return make


def is_empty(folder: Path) -> bool:
    return not folder.exists() or not list(folder.iterdir())


async def test_every_format_comes_back(make_job: Make) -> None:
    job = make_job(formats=("csv", "json", "xlsx", "parquet", "html", "pdf", "png"))
    result = await render(job)
    assert [file.format for file in result.files] == ["csv", "json", "xlsx", "parquet", "html", "pdf", "png"]
    assert sorted(path.name for path in job.folder.iterdir()) == sorted(file.filename for file in result.files)
    for file in result.files:
        assert file.path.parent == job.folder
        assert file.path.stat().st_size == file.size > 0
    assert (job.folder / "report.csv").read_text("utf-8-sig") == "name,n\na,1\n'=b,2\nc,3\n"
    assert result.rows == 3
    assert "Report" in result.mail_html


@pytest.mark.parametrize(
    ("limit", "job"),
    [
        ("seconds", {"sql": ENDLESS, "seconds": 1.5}),
        ("seconds", {"template": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"}),
        ("memory_mb", {"template": "{{ 'a'|center(3000000000)|length }}", "memory_mb": 200, "seconds": 60}),
        ("memory_mb", {"sql": MANY, "formats": ("pdf",), "memory_mb": 30, "seconds": 60}),
        ("output_mb", {"sql": MANY, "output_mb": 1, "seconds": 60}),
        ("output_mb", {"sql": MANY, "formats": ("json",), "output_mb": 1, "seconds": 60}),
        ("output_mb", {"sql": MANY, "formats": ("xlsx",), "output_mb": 1, "seconds": 60}),
        ("output_mb", {"sql": MANY, "formats": ("parquet",), "output_mb": 1, "seconds": 60}),
    ],
)
async def test_security_13_a_limit_ends_the_job_and_is_named(make_job: Make, limit: str, job: dict[str, Any]) -> None:
    order = make_job(**{"seconds": 2, **job})
    with pytest.raises(LimitExceeded) as caught:
        await render(order)
    assert caught.value.limit == limit
    assert caught.value.report == "report"
    assert str(caught.value).count("Report 'report'") == 1
    assert is_empty(order.folder)


async def test_an_error_keeps_its_type_and_place(make_job: Make) -> None:
    job = make_job(sql="select nothing from t")
    with pytest.raises(SourceRefused, match="Report 'report', query 'rows': ") as caught:
        await render(job)
    assert caught.value.remedy
    assert is_empty(job.folder)
    wrong = job.model_copy(update={"access": {"kind": "http"}})
    with pytest.raises(ConfigurationError, match="Report 'report': The connection 'c'") as other:
        await render(wrong)
    assert other.value.field == "source.connection"


async def test_a_cancelled_job_leaves_no_process_and_no_file(make_job: Make) -> None:
    job = make_job(sql=ENDLESS, seconds=60)
    before = {child.pid for child in below(os.getpid())}
    task = asyncio.create_task(render(job))
    await eventually(job.folder.exists)  # The child makes it once it has read the job.
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert {child.pid for child in below(os.getpid())} <= before
    assert is_empty(job.folder)


async def test_no_secret_is_seen_on_the_way(
    make_job: Make, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    canary = "canary-7f3a"
    monkeypatch.setenv("PREFECT_API_KEY", canary)
    job = make_job(sql=ENDLESS, seconds=60)
    job = job.model_copy(update={"access": {**job.access, "password": canary}})
    assert canary not in repr(job)
    task = asyncio.create_task(render(job))
    await eventually(job.folder.exists)
    lines = dict(command_lines(below(os.getpid())))
    assert not [line for line in lines.values() if canary in line]
    # More than one while a renderer starts a program of its own: between fork and exec it carries its parent's line.
    renderers = [process for process, line in lines.items() if "mailroom.rendering.renderers.child" in line]
    seen = [" ".join(environment.values()) for environment in environments(renderers)]
    assert seen
    assert not [words for words in seen if canary in words]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    refused = make_job(sql=f"select '{canary}' + nothing from t")
    refused = refused.model_copy(update={"access": {**refused.access, "password": canary}})
    with pytest.raises(MailroomError) as caught:
        await render(refused)
    assert canary not in str(caught.value)
    assert canary not in "".join(capfd.readouterr())


@pytest.fixture
def export() -> Iterator[str]:
    """An HTTP server on loopback that gives a PDF; its base URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library's name
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"%PDF-1.7 as it came")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def test_an_export_is_passed_on_as_it_came(make_job: Make, export: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = {"kind": "http", "connection": "c", "path": "/r.pdf", "content": "pdf", "pass_on": True}
    definition = {"id": "report", "title": "Report", "source": source, "formats": ["pdf"]}
    access = {"kind": "http", "base_url": export, "headers": {}, "timeout_seconds": 10, "max_bytes": 1000}
    job = make_job().model_copy(
        update={
            "definition": ReportDefinition.model_validate(definition),
            "formats": [Format.PDF],
            "access": access,
        }
    )
    with pytest.raises(MailroomError):  # Loopback is closed unless the operator opens it.
        await render(job)
    monkeypatch.setenv("MAILROOM_OUTBOUND_ALLOW", "127.0.0.0/8")
    result = await render(job)
    assert result.files[0].path.read_bytes() == b"%PDF-1.7 as it came"
    assert "Report" in result.mail_html
    with pytest.raises(ConfigurationError, match="has no other format"):
        await render(job.model_copy(update={"formats": [Format.CSV]}))
    assert [path.name for path in job.folder.iterdir()] == ["report.pdf"]


def test_a_renderer_does_not_load_prefect() -> None:
    code = (
        "import sys, mailroom.rendering.render, mailroom.rendering.sources.sql\n"
        "print([name for name in ('prefect', 'pyarrow', 'vl_convert', 'xlsxwriter') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]}
    )
    assert done.stdout == "[]\n"
