"""Exports of other products: fetched whole to a file of limited size, then read as rows or passed on as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import httpx

from mailroom.rendering.document.rows import Rows
from mailroom.rendering.job import Limits
from mailroom.rendering.sources.tabular import CsvRows, JsonRows
from mailroom.reports.placeholders import fill
from mailroom.reports.spec import HttpSource
from prefect_mailroom import outbound
from prefect_mailroom.errors import ConfigurationError, RetryLater, SourceRefused, SourceUnavailable

_SIGNATURES = {"pdf": b"%PDF-", "xlsx": b"PK\x03\x04"}
_ACCEPT = {"csv": "text/csv", "json": "application/json", "pdf": "application/pdf", "xlsx": "*/*"}
_TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}


def fetch(source: HttpSource, access: Mapping[str, Any], parameters: Mapping[str, Any], target: Path) -> int:
    """Fetch an export to the file `target`; returns its size in bytes. Starts an event loop of its own.

    Raises:
        ConfigurationError: the host may not be reached, or the login is refused.
        SourceUnavailable: no answer now.
        SourceRefused: the far side says no, redirects, or answers too much or with something else.
    """
    try:
        asyncio.run(_fetch(source, access, parameters, target))
    except TimeoutError as error:
        raise SourceUnavailable(
            f"The export took longer than {access['timeout_seconds']:g} s.",
            remedy="The export will be tried again. If the server is slow, raise the connection's timeout.",
        ) from error
    except RetryLater as error:
        raise SourceUnavailable(error.message, remedy=error.remedy) from error
    except httpx.HTTPError as error:
        # No cause: the request's headers hold the secret.
        raise SourceUnavailable(f"The export could not be fetched: {type(error).__name__}.") from None
    _check_content(source.content, target)
    return target.stat().st_size


async def _fetch(source: HttpSource, access: Mapping[str, Any], parameters: Mapping[str, Any], target: Path) -> None:
    base, url = httpx.URL(access["base_url"]), httpx.URL(access["base_url"] + source.path)
    if (url.scheme, url.netloc, url.userinfo) != (base.scheme, base.netloc, base.userinfo):
        # The login of the connection would go there.
        remedy = "Let the report's path begin with /."
        raise ConfigurationError("The report's path names another host than its connection.", remedy=remedy)
    query = {key: fill(value, parameters) for key, value in source.query.items()}
    headers = {"Accept": _ACCEPT[source.content], "Accept-Encoding": "identity", **access["headers"]}
    timeout = float(access["timeout_seconds"])
    async with asyncio.timeout(timeout), outbound.http_client(timeout=timeout) as client:
        await outbound.resolve(url.host, url.port or (443 if url.scheme == "https" else 80))
        request = client.build_request("GET", url, params=query or None, headers=headers)
        answer = await client.send(request, stream=True)
        try:
            _check_answer(answer, source)
            await _save(answer, int(access["max_bytes"]), target)
        finally:
            await answer.aclose()


def _check_answer(answer: httpx.Response, source: HttpSource) -> None:
    """Refuse an answer that is no success. Its body is never shown: it may hold what the reader must not see."""
    status = answer.status_code
    if answer.is_redirect or 300 <= status < 400:
        remedy = "Use the address that the server redirects to. Redirects are not followed."
        raise SourceRefused(f"The server answered with a redirect (HTTP {status}).", remedy=remedy)
    if status in (401, 403):
        remedy = "Update the credentials in the connection."
        raise ConfigurationError(f"The server refused the login (HTTP {status}).", remedy=remedy, field="auth_secret")
    if status in _TRY_AGAIN:
        raise SourceUnavailable(f"The server answered HTTP {status}.", remedy="The export will be tried again.")
    if status != 200:
        raise SourceRefused(
            f"The server answered HTTP {status}.", remedy=("Correct the path and the query in the report.")
        )
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise SourceRefused(
            "The server sent a compressed answer although none was requested.",
            remedy=("Switch off compression on the server."),
        )
    if answer.headers.get("content-type", "").lower().startswith("text/html"):
        remedy = f"A {source.content} file was expected. Correct the path, or the login if this is a login page."
        raise SourceRefused("The server answered with a web page.", remedy=remedy)


async def _save(answer: httpx.Response, max_bytes: int, target: Path) -> None:
    size = 0
    with target.open("xb") as file:  # a renderer process has nothing else to do meanwhile
        async for chunk in answer.aiter_raw():
            size += len(chunk)
            if size > max_bytes:
                remedy = "Narrow the report's query, or raise the connection's max_bytes."
                raise SourceRefused(f"The export is larger than {max_bytes:,} bytes.", remedy=remedy)
            file.write(chunk)


def _check_content(content: str, file: Path) -> None:
    signature = _SIGNATURES.get(content, b"")
    with file.open("rb") as opened:
        if opened.read(len(signature)) != signature:
            remedy = "Correct `path` or `content` in the report."
            raise SourceRefused(f"The server's answer is not {content.upper()}.", remedy=remedy)


class HttpReader:
    """An export's rows, under the query name `rows`. Fetched at the first question."""

    def __init__(
        self, source: HttpSource, access: Mapping[str, Any], parameters: Mapping[str, Any], limits: Limits
    ) -> None:
        self._source = source
        self._access = access
        self._parameters = parameters
        self._limit = limits.rows
        self._folder = TemporaryDirectory(prefix="mailroom-http-")

    def rows(self, query: str) -> Rows:
        """Read the export's rows; `query` is `rows`."""
        if query != "rows" or self._source.content not in ("csv", "json"):
            message = f"An HTTP export of {self._source.content} has no query '{query}'."
            raise ConfigurationError(message, remedy="Use the query 'rows', with content csv or json.")
        file = Path(self._folder.name) / "export"
        if not file.exists():
            fetch(self._source, self._access, self._parameters, file)
        if self._source.content == "csv":
            return CsvRows(file, self._limit)
        return JsonRows(file, self._source.rows_at, self._limit)

    def close(self) -> None:
        """Remove the fetched file."""
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
