"""What is asked about a connection: its check, its buckets, links to its objects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from prefect_mailroom.channels.objects.links import SignsLinks
from prefect_mailroom.channels.s3.channel import S3Channel
from prefect_mailroom.channels.s3.destination import S3Destination
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError
from tests.integration.blocks.s3.far_side import channel_to
from tests.support.parcels import a_parcel
from tests.support.s3.front import error, front_of
from tests.support.s3.servers import BUCKET, S3Server, rclone


async def test_buckets_to_choose_from(server: S3Server) -> None:
    client = server.client(region="eu-central-1")
    client.create_bucket(Bucket="another", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    assert await channel_to(server, bucket="").choices() == {"bucket": ["another", BUCKET]}
    client.delete_bucket(Bucket="another")


async def test_a_signed_link(server: S3Server, channel: S3Channel, tmp_path: Path) -> None:
    destination = S3Destination(connection="test", path="daily/Übersicht 1.csv")
    await channel.deliver(a_parcel(tmp_path, destination, {"a.csv": b"1;2"}))
    assert isinstance(channel, SignsLinks)
    link = await channel.signed_link("daily/Übersicht 1.csv", filename="März.csv", seconds=600)
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(link.url)
    assert answer.content == b"1;2"
    assert "filename*=UTF-8''M%C3%A4rz.csv" in answer.headers["content-disposition"]
    assert timedelta(seconds=590) < link.until - datetime.now(UTC) <= timedelta(seconds=600)
    longest = await channel.signed_link("daily/Übersicht 1.csv", filename="a.csv", seconds=10**8)
    assert httpx.URL(longest.url).params["X-Amz-Expires"] == "604799"
    assert server.secret not in link.url


async def test_a_store_without_preconditions(tmp_path: Path) -> None:
    """The check says that objects are replaced, though the connection asks the store to write them once."""
    with rclone(tmp_path) as server:
        steps = Steps()
        told = await channel_to(server, write_once=True).check(steps)
        assert "write_once" in told
        assert all(step.ok for step in steps.done)
        assert "write_once" not in await channel_to(server).check(Steps())
        assert await channel_to(server, bucket="").choices() == {"bucket": [BUCKET]}


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
    server: S3Server, tmp_path: Path, settings: dict[str, str], field: str
) -> None:
    channel = channel_to(server, **settings)
    destination = S3Destination(connection="test", path="a.csv")
    with pytest.raises(ConfigurationError) as failed:
        await channel.deliver(a_parcel(tmp_path, destination, {"a.csv": b"1"}))
    assert failed.value.field == field
    with pytest.raises(ConfigurationError) as checked:
        await channel.check(Steps())
    assert checked.value.field == field
