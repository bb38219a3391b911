"""Downloads of rendered files."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mailroom.storage.artifacts import ArtifactStore
from mailroom.storage.tables import Artifact

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

CONTENT = b"region,amount\nEMEA,1200\n" * 10
SHA256 = hashlib.sha256(CONTENT).hexdigest()


async def stored(api: Api, *, days: int = 1, keep: bool = True, filename: str = "orders.csv") -> str:
    now = datetime.now(UTC)
    if keep:
        ArtifactStore(api.settings.artifacts_dir).put(CONTENT)
    async with api.database.session() as session:
        row = Artifact(
            sha256=SHA256,
            filename=filename,
            format="csv",
            media_type="text/csv",
            size=len(CONTENT),
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        session.add(row)
        await session.flush()
        return f"/api/v1/artifacts/{row.id}/download"


async def test_the_whole_file_and_parts_of_it(offline: Api) -> None:
    path = await stored(offline)
    whole = await offline.http.get(path)
    assert (whole.status_code, whole.content) == (200, CONTENT)
    assert whole.headers["ETag"] == f'"{SHA256}"'
    assert whole.headers["Content-Disposition"] == 'attachment; filename="orders.csv"'
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.headers["content-type"].startswith("text/csv")
    part = await offline.http.get(path, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, CONTENT[5:10])
    other = await offline.http.get(path, headers={"Range": "bytes=5-9", "If-Range": '"old"'})
    assert (other.status_code, len(other.content)) == (200, len(CONTENT))
    same = await offline.http.get(path, headers={"If-None-Match": f'"{SHA256}"'})
    assert (same.status_code, same.content) == (304, b"")


async def test_a_range_bomb_is_refused(offline: Api) -> None:
    path = await stored(offline)
    bomb = "bytes=" + ",".join("0-" for _ in range(1000))
    assert (await offline.http.get(path, headers={"Range": bomb})).status_code == 416
    for wrong in (
        "bytes=9999-",
        "bytes=9-3",
        "bytes=-0",
        "lines=1-2",
        "bytes=a-b",
        "bytes=",
        "bytes=1-2;",
        "bytes=1-2,",
    ):
        refused = await offline.http.get(path, headers={"Range": wrong})
        assert (refused.status_code, refused.json()["type"]) == (416, "/problems/ranges"), wrong
        assert refused.headers["Content-Range"] == f"bytes */{len(CONTENT)}"
    for right in ("bytes=-3", "bytes=0-", "bytes=0-9999", "bytes=0-1, 3-4", "BYTES = 2-2"):
        assert (await offline.http.get(path, headers={"Range": right})).status_code == 206, right


async def test_security_21_a_file_is_data_and_runs_nothing(offline: Api) -> None:
    answer = await offline.http.get(await stored(offline, filename="evil.html"))
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(("days", "keep"), [(-1, True), (1, False)])
async def test_an_expired_file_is_gone(offline: Api, *, days: int, keep: bool) -> None:
    answer = await offline.http.get(await stored(offline, days=days, keep=keep))
    assert answer.status_code == 410
    assert answer.json()["remedy"]


async def test_security_16_a_name_cannot_forge_a_header(offline: Api) -> None:
    answer = await offline.http.get(await stored(offline, filename='a"\r\nSet-Cookie: x=1;ü.csv'))
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''a%22%0D%0A")
