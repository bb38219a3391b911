"""Large objects are sent in parts, and whatever ends an upload leaves none behind."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prefect_mailroom.channels.base import Parcel, ParcelFile
from prefect_mailroom.channels.s3 import multipart
from prefect_mailroom.channels.s3.channel import S3Channel
from prefect_mailroom.channels.s3.destination import S3Destination
from prefect_mailroom.errors import MailroomError, OutcomeUnknown, Refused, RetryLater
from tests.integration.blocks.s3.far_side import channel_to
from tests.support.parcels import a_parcel
from tests.support.s3.front import Request, error, front_of
from tests.support.s3.servers import BUCKET, S3Server
from tests.support.waiting import eventually

PART = 5 * 2**20  # S3 takes no smaller ones, the last excepted.
CONTENT = bytes(range(256)) * (13_000_000 // 256)


@pytest.fixture(autouse=True)
def _in_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "FROM", 10_000_000)
    monkeypatch.setattr(multipart, "PART", PART)


def parcel(folder: Path, content: bytes = CONTENT, **settings: Any) -> Parcel:
    destination = S3Destination(connection="test", path="daily/report.bin", **settings)
    return a_parcel(folder, destination, {"report.bin": content})


def stored(server: S3Server) -> dict[str, int]:
    found = server.client().list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {one["Key"]: one["Size"] for one in found}


def is_part(request: Request) -> bool:
    return request.method == "PUT" and "partNumber" in request.path


async def test_parts_make_the_object(server: S3Server, channel: S3Channel, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    given = parcel(tmp_path, metadata={"team": "sales"}, tags={"keep": "a year"}, storage_class="STANDARD_IA")
    receipt = await channel.deliver(replace(given, on_progress=lambda sent, total: told.append((sent, total))))
    assert server.read_back(tmp_path / "read") == {"daily/report.bin": CONTENT}
    head = server.client().head_object(Bucket=BUCKET, Key="daily/report.bin")
    assert head["StorageClass"] == "STANDARD_IA"
    assert head["ContentType"] == "application/octet-stream"
    assert head["ContentDisposition"] == 'attachment; filename="report.bin"'
    assert head["Metadata"]["team"] == "sales"
    assert head["Metadata"]["mailroom-key"] == given.key
    tags = server.client().get_object_tagging(Bucket=BUCKET, Key="daily/report.bin")["TagSet"]
    assert tags == [{"Key": "keep", "Value": "a year"}]
    assert receipt.detail["files"][0]["etag"].endswith("-3")
    assert told == sorted(told)
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert len(told) >= 3
    assert server.unfinished() == []


async def test_the_store_decides_at_the_end(server: S3Server, tmp_path: Path) -> None:
    """Another writer is faster while the parts are sent: nothing of its object is lost, and ours gets another name."""
    async with front_of(server.port) as front:

        def faster(request: Request) -> None:
            if is_part(request) and "partNumber=2" in request.path:
                server.client().put_object(Bucket=BUCKET, Key="daily/report.bin", Body=b"of somebody else")

        front.answer = faster
        given = parcel(tmp_path, if_exists="timestamp")
        receipt = await channel_to(server, port=front.port).deliver(given)
    assert stored(server) == {"daily/report.bin": 16, "daily/report-20260209T090000.bin": len(CONTENT)}
    assert receipt.reference == "s3://reports/daily/report-20260209T090000.bin"
    assert server.unfinished() == []


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidPart"])
async def test_a_part_that_fails(server: S3Server, tmp_path: Path, code: str) -> None:
    async with front_of(server.port) as front:
        status = 403 if code == "AccessDenied" else 400
        front.answer = lambda request: error(code, status) if is_part(request) and "=2" in request.path else None
        with pytest.raises(MailroomError) as failed:
            await channel_to(server, port=front.port).deliver(parcel(tmp_path))
    assert not isinstance(failed.value, OutcomeUnknown)
    assert server.unfinished() == []
    assert stored(server) == {}


async def test_a_completion_without_answer(server: S3Server, tmp_path: Path) -> None:
    """The store says what became of it, so it is delivered, and once."""
    async with front_of(server.port) as front:
        completed: list[Request] = []

        def lost(request: Request) -> tuple[int, str] | None:
            if request.method == "POST" and "uploadId" in request.path:
                completed.append(request)
                return error("NoSuchUpload", 404) if len(completed) > 1 else None
            return None

        front.answer = lost
        front.hang_up = lambda request: len(completed) == 1 and request is completed[0]
        receipt = await channel_to(server, port=front.port).deliver(parcel(tmp_path))
    assert len(completed) == 2
    assert receipt.detail["files"][0]["bytes"] == len(CONTENT)
    assert stored(server) == {"daily/report.bin": len(CONTENT)}


async def test_a_changed_file_is_never_completed(server: S3Server, channel: S3Channel, tmp_path: Path) -> None:
    given = parcel(tmp_path)
    file: ParcelFile = given.files[0]
    file.path.write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(Refused):
        await channel.deliver(given)
    assert server.unfinished() == []
    assert stored(server) == {}


@pytest.mark.parametrize("ending", ["cancelled", "time over"])
async def test_an_upload_that_is_ended(server: S3Server, tmp_path: Path, ending: str) -> None:
    """A part that hangs holds nobody: the attempt is ended, and then its parts are."""
    async with front_of(server.port) as front:
        front.holds = lambda request: is_part(request) and "=2" in request.path
        channel = channel_to(server, port=front.port, timeout=20 if ending == "cancelled" else 3)
        sending = asyncio.create_task(channel.deliver(parcel(tmp_path)))
        await eventually(lambda: any("partNumber=2" in request.path for request in front.requests))
        assert len(server.unfinished()) == 1
        if ending == "cancelled":
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        else:
            with pytest.raises(RetryLater):
                await sending
        await eventually(lambda: server.unfinished() == [])
    assert stored(server) == {}


async def test_parts_of_a_killed_process_go(
    server: S3Server, channel: S3Channel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """End the uploads of exactly this name, and only when no attempt can still be at work."""
    client = server.client()
    others = ["daily/report.bin.old", "daily/other.bin"]
    for key in ["daily/report.bin", *others]:
        client.create_multipart_upload(Bucket=BUCKET, Key=key)
    # moto says of every upload that it began in 2010, so what is young is told by another clock.
    young = timedelta(seconds=channel.timeout_seconds - 1)
    began = datetime(2010, 11, 10, 20, 48, 33, tzinfo=UTC)
    monkeypatch.setattr(multipart, "_now", lambda: began + young)
    await channel.deliver(parcel(tmp_path))
    assert sorted(one["Key"] for one in server.unfinished()) == sorted(["daily/report.bin", *others])
    client.delete_object(Bucket=BUCKET, Key="daily/report.bin")
    monkeypatch.setattr(multipart, "_now", lambda: began + young + timedelta(seconds=2))
    await channel.deliver(parcel(tmp_path))
    assert sorted(one["Key"] for one in server.unfinished()) == sorted(others)
