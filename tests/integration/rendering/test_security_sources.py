"""The checklist of malicious input for sources of reports: what they may connect to. Real servers and databases."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from pydantic import ValidationError
from sqlalchemy import make_url

from mailroom import own_endpoints
from mailroom.rendering.job import Limits, RenderJob
from mailroom.rendering.renderers.pool import Pool
from mailroom.rendering.sources import open_reader
from mailroom.rendering.sources.http import fetch
from mailroom.reports.spec import HttpSource as ReportSource
from mailroom.reports.spec import ReportDefinition
from mailroom.settings import Settings
from prefect_mailroom import outbound
from prefect_mailroom.errors import ConfigurationError, MailroomError, SourceRefused, TargetForbidden
from prefect_mailroom.never_targets import entries_of
from prefect_mailroom.sources.http import HttpSource
from prefect_mailroom.sources.sql import SqlSource
from tests.support.listening import listening, own_addresses

if TYPE_CHECKING:
    from tests.integration.rendering.conftest import Source

EVERYTHING = "0.0.0.0/0 ::/0 localhost"
INSIDE = [
    "169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "168.63.129.16", "2130706433", "0x7f000001", "0177.0.0.1",
    "127.1", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[2002:a9fe:a9fe::]",
    "[fec0::1]", "[::1]", "100.64.0.1", "224.0.0.1", "0.0.0.0", "localhost", "[2606:1:2:3:4::a9fe:a9fe]",
]  # fmt: skip


def read(access: dict[str, Any], sql: str = "select 1 as one") -> None:
    """Read one query or export, as a renderer process does."""
    kind = access["kind"]
    which = {"queries": {"rows": sql}} if kind == "sql" else {"path": "/x", "content": "csv"}
    source = {"kind": kind, "connection": "c", **which}
    definition = {"id": "report", "title": "Report", "formats": ["csv"], "source": source}
    with (
        open_reader(ReportDefinition.model_validate(definition), access, {}, Limits()) as reader,
        reader.rows("rows") as rows,
    ):
        list(rows.batches())


async def all_refused(source: HttpSource | SqlSource, error: type[MailroomError] = TargetForbidden) -> None:
    """See that a source is refused when it is stored, checked and read."""
    for attempt in (source.screen, source.check, lambda: asyncio.to_thread(read, source.access())):
        with pytest.raises(error):
            await attempt()


def http(host: str, port: int) -> HttpSource:
    return HttpSource(base_url=f"http://{host}:{port}", timeout_seconds=5)


def postgres(host: str, port: int) -> SqlSource:
    return SqlSource(url=f"postgresql://u:p@{host}:{port}/crm")


@pytest.mark.parametrize("make", [http, postgres])
@pytest.mark.parametrize("host", INSIDE)
async def test_security_01_to_04_addresses_of_the_inside(
    make: Callable[..., HttpSource | SqlSource], host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(outbound.VARIABLE, raising=False)
    if make is http and host == "0177.0.0.1":  # The HTTP client takes it for no URL, before the guard sees it.
        with pytest.raises(ValidationError):
            make(host, 80)
        return
    async with listening() as far:
        await all_refused(make(host, far.port))
    assert far.connections == []


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///crm", "postgresql:///crm?host=/var/run/postgresql", "postgresql:///crm?host=@abstract",
        "postgresql:///crm?host=93.184.215.14:5432&host=127.0.0.1:5432", "postgresql:///crm?host=1.1.1.1,127.0.0.1",
    ],
)  # fmt: skip
async def test_security_04_sockets_and_lists_of_hosts(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(outbound.VARIABLE, raising=False)
    await all_refused(SqlSource(url=url))


@pytest.mark.parametrize("more", ["hostaddr=127.0.0.1", "service=inside", "servicefile=/tmp/x&service=x"])
async def test_security_04_nothing_leads_the_driver_elsewhere(more: str) -> None:
    await all_refused(SqlSource(url=f"postgresql://u:p@1.1.1.1/crm?{more}"), ConfigurationError)


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect"])
async def test_security_05_redirects_are_not_followed(status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    async with listening() as inside:
        answer = f"HTTP/1.1 {status}\r\nLocation: http://127.0.0.1:{inside.port}/\r\nContent-Length: 0\r\n\r\n"
        async with listening(answer.encode()) as far:
            with pytest.raises(SourceRefused):
                await asyncio.to_thread(read, http("127.0.0.1", far.port).access())
    assert far.received
    assert inside.connections == []


async def test_security_06_a_database_is_looked_up_once_for_check_and_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The driver is given the address that was checked, so a name that changes its mind leads nowhere else."""
    import socket

    real, asked = socket.getaddrinfo, []

    def rebinding(host: Any, *arguments: Any, **options: Any) -> Any:
        if host == "db.example.com":
            asked.append(host)
            return real("127.0.0.1" if len(asked) == 1 else "127.0.0.2", *arguments, **options)
        return real(host, *arguments, **options)

    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    async with listening() as far:
        far.answer = b"E"  # No answer of a PostgreSQL server: it ends the attempt.
        with pytest.raises(MailroomError):
            await asyncio.to_thread(read, postgres("db.example.com", far.port).access())
    assert asked == ["db.example.com"]
    assert far.received


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "ftp://127.0.0.1/",
        "http://user@host@127.0.0.1/",
        "http://u:p@x.com",
    ],
)
def test_security_07_schemes_and_user_names(url: str) -> None:
    with pytest.raises(ValidationError):
        HttpSource(base_url=url)


@pytest.mark.parametrize("path", ["@127.0.0.1:{port}/", ".evil.example.com/", ":{port}/", "\\@127.0.0.1", "x"])
async def test_security_07_a_reports_path_names_no_host(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checks of a report refuse it; where one is stored all the same, the login must not go with the request."""
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.0/8 bi.example.com")
    async with listening() as far:
        path = path.format(port=far.port)
        fields: dict[str, Any] = {"kind": "http", "connection": "bi", "path": path, "content": "csv"}
        stored = ReportSource.model_construct(query={}, **fields)
        access = HttpSource(base_url="http://127.0.0.2", auth="bearer", auth_secret="canary").access()
        with pytest.raises(ConfigurationError):
            await asyncio.to_thread(fetch, stored, access, {}, tmp_path / "export")
    assert far.connections == []


@pytest.mark.parametrize("make", [http, postgres])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2", "127.1", "[::1]", "0.0.0.0", *own_addresses()])
async def test_security_own_prefect_is_closed_where_everything_is_open(
    make: Callable[..., HttpSource | SqlSource], host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(outbound.VARIABLE, EVERYTHING)
    async with listening() as prefect:
        monkeypatch.setenv(outbound.OWN_VARIABLE, f"127.0.0.1:{prefect.port}")
        await all_refused(make(host, prefect.port))
    assert prefect.connections == []


async def test_security_own_a_renderer_process_knows_them_too(
    export_job: Callable[..., RenderJob], source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By our settings, and by Prefect's, which the process itself is not given."""
    for name, value in ((outbound.OWN_VARIABLE, source.url.removeprefix("http://")), ("PREFECT_API_URL", source.url)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(name, value)
            async with Pool(1, warm=False) as pool:
                with pytest.raises(ConfigurationError):
                    await pool.render(export_job("a"))
    assert source.asked == []


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The database files of an embedded system, closed as its processes close them; and another one beside them."""
    settings = Settings(data_dir=tmp_path / "data")
    found = {
        "ours": tmp_path / "data" / "mailroom.db",
        "prefect": tmp_path / "data" / "prefect" / "prefect.db",
        "shop": tmp_path / "data" / "shop.db",
    }
    for file in found.values():
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("create table t (x)")
    monkeypatch.setenv(outbound.OWN_VARIABLE, "")
    own_endpoints.close(settings)
    return found


@pytest.mark.parametrize("which", ["ours", "prefect"])
@pytest.mark.parametrize("way", ["absolute", "relative", "dots", "symlink", "folder", "hard link", "proc"])
async def test_security_own_sqlite_files_are_closed(
    files: dict[str, Path], which: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = files[which]
    monkeypatch.chdir(tmp_path)
    match way:
        case "relative":
            path = file.relative_to(tmp_path)
        case "dots":
            path = file.parent / "." / ".." / file.parent.name / file.name
        case "symlink":
            path = tmp_path / "link.db"
            path.symlink_to(file)
        case "folder":
            (tmp_path / "linked").symlink_to(file.parent)
            path = tmp_path / "linked" / file.name
        case "hard link":
            path = tmp_path / "hard.db"
            os.link(file, path)
        case "proc":
            path = Path(f"/proc/self/root{file}")
            if not path.exists():
                pytest.skip("This system has no /proc.")
        case _:
            path = file
    await all_refused(SqlSource(url=f"sqlite:///{path}"))


async def test_a_file_beside_ours_is_read(files: dict[str, Path]) -> None:
    source = SqlSource(url=f"sqlite:///{files['shop']}")
    await source.screen()
    assert "1 tables" in await source.check()


@pytest.fixture
def ledger(postgres_url: str, fresh_postgres: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Return the URLs of our database and of another one on the same server, with this machine opened."""
    monkeypatch.setenv(outbound.VARIABLE, EVERYTHING)
    monkeypatch.setenv(outbound.OWN_VARIABLE, "")
    own_endpoints.close(Settings(database_url=fresh_postgres, prefect_database_url=f"{fresh_postgres}&dbname=x"))
    ours = make_url(fresh_postgres).set(drivername="postgresql").render_as_string(hide_password=False)
    return ours, postgres_url


async def test_security_own_database_of_postgres_is_closed(ledger: tuple[str, str]) -> None:
    ours, other = ledger
    psycopg.connect(ours).close()  # It could be reached, were it not for the guard.
    await all_refused(SqlSource(url=ours))
    source = SqlSource(url=other)
    await source.screen()
    assert "PostgreSQL" in await source.check()
    await asyncio.to_thread(read, source.access())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "/tmp", "", *own_addresses()])
@pytest.mark.parametrize("listens_on", ["127.0.0.1", "localhost", "*socket*"])
async def test_security_own_database_by_every_name(host: str, listens_on: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that listens on this machine, by TCP or on a Unix socket; the other way to it is closed too."""
    monkeypatch.setenv(outbound.VARIABLE, EVERYTHING)
    async with listening() as far:
        where = f"{listens_on}:{far.port}/ledger"
        where = f"/ledger?host=/run/postgresql&port={far.port}" if listens_on == "*socket*" else where
        monkeypatch.setenv(outbound.OWN_VARIABLE, " ".join(entries_of(f"postgresql+asyncpg://m:secret@{where}")))
        at = f"{host}:{far.port}/ledger" if host and host[0] != "/" else f"/ledger?host={host}&port={far.port}"
        for url in (f"postgresql://u:p@{at}", f"postgresql+psycopg://u:p@{at}"):
            await all_refused(SqlSource(url=url))
        # The name of the database may also come from the user's.
        nameless = at.replace("/ledger", "/")
        await all_refused(SqlSource(url=f"postgresql://ledger:p@{nameless}"))
    assert far.connections == []


async def test_security_own_database_is_no_target_of_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(outbound.VARIABLE, EVERYTHING)
    async with listening() as far:
        monkeypatch.setenv(outbound.OWN_VARIABLE, f"postgresql://127.0.0.1:{far.port}/ledger")
        await all_refused(http("127.0.0.1", far.port))
    assert far.connections == []
