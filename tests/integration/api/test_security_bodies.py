"""SECURITY-TESTS 35: bodies and ranges that are large, deep, packed or ambiguous."""

from __future__ import annotations

import gzip
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from api.http.json_body import MAX_BYTES, JsonRoute, parse
from mailroom.storage.artifacts import ArtifactStore
from mailroom.storage.database import new_id
from mailroom.storage.tables import Artifact

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

JSON = {"Content-Type": "application/json"}
PATH = "/api/v1/schedules/"
LONG_ENOUGH = 2.0
"""Seconds within which a refusal comes on a busy machine; what is refused would take far longer, or all memory."""


REFUSED: dict[str, tuple[bytes, int]] = {
    "100,000 levels": (b"[" * 100_000 + b"]" * 100_000, 400),
    "100,000 objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400),
    "90,000 keys": (b"{" + b",".join(b'"%x":1' % n for n in range(90_000)) + b"}", 400),
    "1,000,000 keys": (b"{" + b",".join(b'"%d":1' % n for n in range(1_000_000)) + b"}", 413),
    "a key twice": (b'{"name": "a", "name": "b"}', 400),
    "a key twice, written in two ways": (b'{"name": "a", "\\u006eame": "b"}', 400),
    "a key twice further down": (b'{"timing": {"at": "1", "at": "2"}}', 400),
    "NaN": (b'{"count": NaN}', 400),
    "Infinity": (b'{"count": Infinity}', 400),
    "1e400": (b'{"count": 1e400}', 400),
    "100,000 digits": (b'{"count": ' + b"9" * 100_000 + b"}", 400),
    "blanks": (b" " * (MAX_BYTES + 1), 413),
    "UTF-16": ("{}".encode("utf-16"), 400),
}


async def test_security_35_json_outside_the_limits_is_refused_soon(offline: Api) -> None:
    for name, (body, status) in REFUSED.items():
        began = time.perf_counter()
        answer = await offline.http.post(PATH, content=body, headers=JSON)
        assert answer.status_code == status, f"{name}: {answer.text[:300]}"
        assert answer.headers["content-type"] == "application/problem+json", name
        assert len(answer.content) < 2000, f"{name}: a refusal does not send the body back"
        assert time.perf_counter() - began < LONG_ENOUGH, name


async def test_security_35_a_body_of_100_mb_is_not_read_to_its_end(offline: Api) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1600):
            sent += 65_536
            yield b" " * 65_536

    assert (await offline.http.post(PATH, content=endless(), headers=JSON)).status_code == 413
    assert sent < 2 * MAX_BYTES
    for length in ("104857600", "9" * 30):
        answer = await offline.http.post(PATH, content=b"{}", headers={**JSON, "Content-Length": length})
        assert answer.status_code == 413


async def test_security_35_nothing_is_unpacked(offline: Api) -> None:
    bomb = gzip.compress(b'{"name": "' + b"x" * 10_000_000 + b'"}')
    for coding in ("gzip", "deflate", "br", "zstd", "gzip, identity", "GZIP"):
        answer = await offline.http.post(PATH, content=bomb, headers={**JSON, "Content-Encoding": coding})
        assert answer.status_code == 415, coding
        assert answer.headers["Accept-Encoding"] == "identity"
    answer = await offline.http.post(PATH, content=b"{}", headers={**JSON, "Content-Encoding": "identity"})
    assert answer.status_code == 422, "the body was read"


def test_security_35_a_long_text_is_looked_at_in_no_time() -> None:
    text = '{"text": "' + "é" * 400_000 + '"}'
    began = time.perf_counter()
    for _ in range(20):
        parse(text.encode())
    assert time.perf_counter() - began < LONG_ENOUGH


def test_security_35_every_route_with_a_body_reads_it_within_the_limits(offline: Api) -> None:
    contexts = [one for part in offline.app.routes for one in getattr(part, "effective_route_contexts", tuple)()]
    # The forms of pages are limited by the defence against other sites, which reads them first.
    with_body = [one for one in contexts if one.methods & {"POST", "PUT", "PATCH"} and one.path.startswith("/api/")]
    assert len(with_body) > 20
    assert [one.path for one in with_body if not isinstance(one.original_route, JsonRoute)] == []


async def _file(api: Api, content: bytes) -> str:
    now = datetime.now(UTC)
    async with api.database.session() as session:
        row = Artifact(
            id=new_id(),
            sha256=ArtifactStore(api.settings.artifacts_dir).put(content),
            filename="a.csv",
            format="csv",
            media_type="text/csv",
            size=len(content),
            created_at=now,
            expires_at=now + timedelta(days=1),
        )
        session.add(row)
    return f"/api/v1/artifacts/{row.id}/download"


RANGES = {
    "bytes=" + ",".join(["0-"] * 1000): 416,
    "bytes=" + ",".join(f"{n}-{n}" for n in range(0, 100, 2)): 416,
    "bytes=" + "0-" * 10_000: 416,
    "bytes=" + ",".join(["0-"] * 8): 206,
    "bytes=0-9,5-14,10-19": 206,
    "bytes=9-0": 416,
    "bytes=-99999999999999999999999": 416,
    "bytes=-999999": 206,
    "lines=0-1": 416,
}


async def test_security_35_ranges_never_make_a_file_larger(offline: Api) -> None:
    content = b"0123456789" * 1000
    path = await _file(offline, content)
    for ranges, status in RANGES.items():
        began = time.perf_counter()
        answer = await offline.http.get(path, headers={"Range": ranges})
        assert answer.status_code == status, f"{ranges[:40]}: {answer.text[:200]}"
        assert len(answer.content) <= len(content) + 2000, ranges[:40]
        assert time.perf_counter() - began < LONG_ENOUGH, ranges[:40]
