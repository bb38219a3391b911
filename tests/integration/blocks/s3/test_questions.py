"""What is asked about a connection: its check, its buckets, links to its objects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from prefect_mailroom.channels.objects.links import SignsLinks
from prefect_mailroom.channels.s3 import multipart
from prefect_mailroom.channels.s3.destination import S3Destination
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.tls import trusting
from tests.integration.blocks.s3.far_side import channel_to
from tests.support.parcels import a_parcel
from tests.support.s3.front import error, front_of
from tests.support.s3.servers import BUCKET, S3Server


async def test_buckets_to_choose_from(server: S3Server) -> None:
    client = server.client(region="eu-central-1")
    client.create_bucket(Bucket="another", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    assert await channel_to(server, bucket="").choices() == {"bucket": ["another", BUCKET]}
    client.delete_bucket(Bucket="another")


async def test_a_signed_link(rclone_server: S3Server, tmp_path: Path) -> None:
    """rclone verifies the signatures of links, which moto does not."""
    server, channel = rclone_server, channel_to(rclone_server)
    destination = S3Destination(connection="test", path="daily/Übersicht 1.csv")
    await channel.deliver(a_parcel(tmp_path, destination, {"a.csv": b"1;2"}))
    assert isinstance(channel, SignsLinks)
    link = await channel.signed_link("daily/Übersicht 1.csv", filename="März.csv", seconds=600)
    async with httpx.AsyncClient(trust_env=False, verify=trusting(server.pem)) as client:
        answer = await client.get(link.url)
        forged = await client.get(link.url.replace("Expires=600", "Expires=601"))
    assert answer.content == b"1;2"
    assert forged.status_code == 403
    assert "filename*=UTF-8''M%C3%A4rz.csv" in answer.headers["content-disposition"]
    assert timedelta(seconds=590) < link.until - datetime.now(UTC) <= timedelta(seconds=600)
    longest = await channel.signed_link("daily/Übersicht 1.csv", filename="a.csv", seconds=10**8)
    assert int(httpx.URL(longest.url).params["X-Amz-Expires"]) in (604_799, 604_800)
    assert server.secret not in link.url


async def test_what_changes_on_its_way(rclone_server: S3Server, tmp_path: Path) -> None:
    """The store verifies the checksum on arrival."""
    client = rclone_server.client()
    with pytest.raises(ClientError, match="BadDigest"):
        client.put_object(Bucket=BUCKET, Key="one", Body=b"1", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")


async def test_a_store_without_preconditions(rclone_server: S3Server) -> None:
    """The check says that objects are replaced, though the connection asks the store to write them once."""
    steps = Steps()
    told = await channel_to(rclone_server, write_once=True).check(steps)
    assert "write_once" in told
    assert all(step.ok for step in steps.done)
    assert "write_once" not in await channel_to(rclone_server).check(Steps())
    assert await channel_to(rclone_server, bucket="").choices() == {"bucket": [BUCKET]}


async def test_parts_on_a_store_in_go(rclone_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "FROM", 10_000_000)
    monkeypatch.setattr(multipart, "PART", 5 * 2**20)
    content = bytes(range(256)) * 50_000
    destination = S3Destination(connection="test", path="large.bin")
    receipt = await channel_to(rclone_server).deliver(a_parcel(tmp_path, destination, {"large.bin": content}))
    assert receipt.detail["files"][0]["bytes"] == len(content)
    assert rclone_server.read_back(tmp_path / "read")["large.bin"] == content, "The files differ."
    assert rclone_server.unfinished() == []


async def test_a_store_that_says_so(server: S3Server, tmp_path: Path) -> None:
    async with front_of(server.port) as front:
        front.answer = lambda one: error("NotImplemented", 501) if "if-none-match" in one.headers else None
        channel = channel_to(server, port=front.port)
        steps = Steps()
        with pytest.raises(ConfigurationError) as failed:
            await channel.check(steps)
        assert failed.value.field == "write_once"
        assert [step.name for step in steps.done if not step.ok] == [StepName.WRITE]
        destination = S3Destination(connection="test", path="a.csv")
        off = channel_to(server, port=front.port, write_once=False)
        await off.deliver(a_parcel(tmp_path, destination, {"a.csv": b"1"}))


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"bucket": "there-is-none"}, "bucket"),
        ({"access_key_id": "AKIAUNKNOWN"}, "secret_access_key"),
        ({"bucket": ""}, "bucket"),
    ],
)
async def test_what_a_person_must_change(
    server: S3Server, tmp_path: Path, settings: dict[str, Any], field: str
) -> None:
    channel = channel_to(server, **settings)
    destination = S3Destination(connection="test", path="a.csv")
    with pytest.raises(ConfigurationError) as failed:
        await channel.deliver(a_parcel(tmp_path, destination, {"a.csv": b"1"}))
    assert failed.value.field == field
    with pytest.raises(ConfigurationError) as checked:
        await channel.check(Steps())
    assert checked.value.field == field
