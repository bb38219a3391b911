"""The HTTP source against a real local server that can misbehave in every way listed here."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from mailroom.rendering.job import Limits
from mailroom.rendering.sources import open_reader
from mailroom.rendering.sources.http import fetch
from mailroom.reports.spec import HttpSource, ReportDefinition
from prefect_mailroom.errors import ConfigurationError, MailroomError, SourceRefused, SourceUnavailable
from prefect_mailroom.sources.http import HttpSource as HttpBlock

CSV = '\ufeffcode,n,price,note\r\n007,1,1.5,=x\r\n008,2,2,"a, b"\r\n009,,x,\r\n'.encode()
SECRET = "canary-3f9a"
Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers as the test says and keeps what it was asked."""

    answer: Answer
    seen: list[tuple[str, dict[str, str]]]

    def do_GET(self) -> None:  # the standard library's name
        type(self).seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        type(self).answer(self)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the standard library's name
        """Stay silent."""

    def say(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server:
    """A server on a free port of this machine."""

    def __init__(self) -> None:
        self.handler = type("ThisHandler", (Handler,), {"seen": []})
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answers(self, answer: Answer) -> None:
        self.handler.answer = staticmethod(answer)  # type: ignore[attr-defined]  # made above

    @property
    def seen(self) -> list[tuple[str, dict[str, str]]]:
        found: list[tuple[str, dict[str, str]]] = self.handler.seen  # type: ignore[attr-defined]  # made above
        return found


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("MAILROOM_OUTBOUND_ALLOW", "127.0.0.1")
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


def block(url: str, **settings: Any) -> HttpBlock:
    given = {"auth": "bearer", "auth_secret": SECRET, "timeout_seconds": 5, **settings}
    return HttpBlock(base_url=url, **given)


def read(
    server: Server, *, content: str = "csv", rows: int = 1000, parameters: dict[str, Any] | None = None, **source: Any
) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
    definition = ReportDefinition.model_validate(
        {
            "id": "export",
            "title": "Export",
            "formats": ["csv"],
            "source": {"kind": "http", "connection": "bi", "path": "/export", "content": content, **source},
        }
    )
    access = block(server.url).access()
    with (
        open_reader(definition, access, parameters or {}, Limits(rows=rows)) as reader,
        reader.rows("rows") as found,
    ):
        return [(column.name, column.kind) for column in found.columns], [row for b in found.batches() for row in b]


def test_csv_becomes_typed_rows_and_codes_stay_texts(server: Server) -> None:
    server.answers(lambda handler: handler.say(200, CSV, Content_Type="text/csv"))
    columns, rows = read(server)
    assert columns == [("code", "text"), ("n", "integer"), ("price", "text"), ("note", "text")]
    assert rows == [("007", 1, "1.5", "=x"), ("008", 2, "2", "a, b"), ("009", None, "x", None)]


def test_a_later_text_among_numbers_stays(server: Server) -> None:
    lines = "\n".join(["n;d", *(f"{i};{i}.5" for i in range(5000)), "many;none"])
    server.answers(lambda handler: handler.say(200, lines.encode()))
    columns, rows = read(server, rows=10_000)
    assert columns == [("n", "integer"), ("d", "decimal")]
    assert len(rows) == 5001
    assert rows[4999:] == [(4999, 4999.5), ("many", "none")]


def test_json_becomes_rows(server: Server) -> None:
    body = b'{"data": {"items": [{"a": 1, "b": null}, {"a": 2.5, "c": ["x"]}]}}'
    server.answers(lambda handler: handler.say(200, body))
    columns, rows = read(server, content="json", rows_at="/data/items")
    assert columns == [("a", "decimal"), ("b", "text"), ("c", "text")]
    assert rows == [(1, None, None), (2.5, None, '["x"]')]


def test_parameters_go_into_the_query_string_escaped_and_the_login_into_a_header(server: Server) -> None:
    server.answers(lambda handler: handler.say(200, CSV))
    values = {"region": "a&b=c#{other}", "other": "never", "flag": True, "none": None}
    read(server, query={"q": "r:{region}", "flag": "{flag}", "none": "{none}"}, parameters=values)
    path, headers = server.seen[0]
    asked = parse_qs(urlsplit(path).query, keep_blank_values=True)
    assert asked == {"q": ["r:a&b=c#{other}"], "flag": ["true"], "none": [""]}
    assert headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize(
    ("settings", "header", "value"),
    [
        ({"auth": "basic", "auth_user": "ada"}, "Authorization", "Basic YWRhOmNhbmFyeS0zZjlh"),
        ({"auth": "header", "auth_header": "X-Key"}, "X-Key", SECRET),
        ({"auth": "none", "auth_secret": None}, None, None),
    ],
)
def test_logins(settings: dict[str, Any], header: str | None, value: str | None) -> None:
    assert block("https://bi.example.com", **settings).access()["headers"] == ({header: value} if header else {})


@pytest.mark.parametrize(("content", "body"), [("pdf", b"%PDF-1.7 real"), ("xlsx", b"PK\x03\x04 real"), ("csv", CSV)])
def test_a_file_is_passed_on_as_it_is(server: Server, tmp_path: Path, content: str, body: bytes) -> None:
    server.answers(lambda handler: handler.say(200, body))
    source = HttpSource.model_validate(
        {"kind": "http", "connection": "bi", "path": "/export", "content": content, "pass_on": True}
    )
    target = tmp_path / "export"
    assert fetch(source, block(server.url).access(), {}, target) == len(body)
    assert target.read_bytes() == body


def slow(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(100):
        try:
            handler.wfile.write(b"a\n")
            handler.wfile.flush()
        except OSError:
            return
        time.sleep(0.1)


def endless(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"a,b\n" * 10_000)
    except OSError:
        return


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (lambda h: h.say(302, b"", Location="http://127.0.0.1:1/"), SourceRefused, "redirects"),
        (lambda h: h.say(307, b"", Location="/other"), SourceRefused, "redirects"),
        (lambda h: h.say(401, b"inside-9c1"), ConfigurationError, "401"),
        (lambda h: h.say(403, b"inside-9c1"), ConfigurationError, "403"),
        (lambda h: h.say(404, b"inside-9c1"), SourceRefused, "404"),
        (lambda h: h.say(204, b""), SourceRefused, "204"),
        (lambda h: h.say(429, b"inside-9c1"), SourceUnavailable, "429"),
        (lambda h: h.say(503, b"inside-9c1"), SourceUnavailable, "503"),
        (lambda h: h.say(200, b"<html>", Content_Type="text/html"), SourceRefused, "web page"),
        (lambda h: h.say(200, b"xxx", Content_Encoding="gzip"), SourceRefused, "compressed"),
        (lambda h: h.say(200, b"not a pdf"), SourceRefused, "not PDF"),
        (endless, SourceRefused, "larger than 1,000,000 bytes"),
        (slow, SourceUnavailable, "longer than 1 s"),
        (lambda h: h.connection.close(), SourceUnavailable, "could not be fetched"),
    ],
)
def test_what_goes_wrong_is_told_without_the_body_or_the_secret(
    server: Server, tmp_path: Path, answer: Answer, error: type[MailroomError], words: str
) -> None:
    server.answers(answer)
    source = HttpSource.model_validate(
        {"kind": "http", "connection": "bi", "path": "/export", "content": "pdf", "pass_on": True}
    )
    access = block(server.url, max_bytes=1_000_000, timeout_seconds=1).access()
    with pytest.raises(error) as caught:
        fetch(source, access, {}, tmp_path / "export")
    assert words in str(caught.value)
    assert "inside-9c1" not in str(caught.value)
    assert SECRET not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"a,b\n1\n", "line 2 has 1 cells"),
        (b"a,b\n\xff,1\n", "UTF-8"),
        (b'a,b\n"1,2\n', "line"),
        (b"a\n" + b"x" * 200_000, "line 2"),
    ],
)
def test_csv_that_is_none_is_refused_with_its_line(server: Server, body: bytes, words: str) -> None:
    server.answers(lambda handler: handler.say(200, body))
    with pytest.raises(SourceRefused, match="not the CSV") as caught:
        read(server)
    assert words in caught.value.message


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"a": 1}', b"[" * 100_000])
def test_json_that_is_none_is_refused(server: Server, body: bytes) -> None:
    server.answers(lambda handler: handler.say(200, body))
    with pytest.raises(SourceRefused):
        read(server, content="json")


def test_rows_are_limited(server: Server) -> None:
    server.answers(lambda handler: handler.say(200, b"a\n1\n2\n3\n"))
    assert len(read(server, rows=3)[1]) == 3
    with pytest.raises(SourceRefused, match="more than 2 rows"):
        read(server, rows=2)


def test_security_20_a_packed_answer_and_a_million_rows_are_refused(server: Server) -> None:
    many = b"a\n" + b"1\n" * 1_000_000
    server.answers(lambda handler: handler.say(200, gzip.compress(many), Content_Encoding="gzip"))
    with pytest.raises(SourceRefused, match="compressed"):
        read(server)
    server.answers(lambda handler: handler.say(200, many))
    with pytest.raises(SourceRefused, match="more than 1,000 rows"):
        read(server, rows=1000)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f000001", "127.1", "0.0.0.0"])
def test_the_inside_is_not_reached_unless_the_operator_opened_it(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str
) -> None:
    monkeypatch.delenv("MAILROOM_OUTBOUND_ALLOW")
    server.answers(lambda handler: handler.say(200, CSV))
    source = HttpSource.model_validate({"kind": "http", "connection": "bi", "path": "/export", "content": "csv"})
    port = server.url.rpartition(":")[2]
    with pytest.raises(ConfigurationError):
        fetch(source, block(f"http://{host}:{port}").access(), {}, tmp_path / "export")
    assert server.seen == []


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://a/b", "gopher://a", "https://u:p@a/", "https:///x", "https://a/?x=1", "nonsense"],
)
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        block(url)


def test_a_login_without_its_secret_is_refused() -> None:
    with pytest.raises(ValidationError, match="auth_secret"):
        HttpBlock(base_url="https://bi.example.com", auth="bearer")
    with pytest.raises(ValidationError, match="line break"):
        block("https://bi.example.com", auth_secret="a\r\nX-Evil: 1")


def test_the_secret_is_not_shown() -> None:
    assert SECRET not in repr(block("https://bi.example.com"))


async def test_the_block_proves_that_the_host_answers(server: Server) -> None:
    assert await block(server.url).check() == f"127.0.0.1 answers on port {server.url.rpartition(':')[2]}."
    assert server.seen == []
